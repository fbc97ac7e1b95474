#include "data/shared/series.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/file_names.h"
#include "core/files.h"
#include "core/folder_entries.h"
#include "core/foreign_errors.h"
#include "core/json_list.h"
#include "core/text_file.h"
#include "data/entries.h"
#include "data/shared/csv.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kForms =
    "JSON, JSON Lines, CSV with a header line that names image, or an image on each line";

/// Images and folders of a folder, sorted.
struct Content {
  std::vector<fs::path> images, folders;
};

Content content_of(const fs::path& folder) {
  Content content;
  for (const auto& path : folder_entries(folder)) {
    if (is_hidden(path)) continue;
    if (is_folder(path))
      content.folders.push_back(path);
    else if (has_image_extension(path) && is_file(path))
      content.images.push_back(path);
  }
  const auto by_name = [](const fs::path& a, const fs::path& b) {
    return sorts_before(a.filename().string(), b.filename().string());
  };
  std::sort(content.images.begin(), content.images.end(), by_name);
  std::sort(content.folders.begin(), content.folders.end(), by_name);
  return content;
}

/// Names the dates without a name. Throws Error for a date that the place has twice.
void name_dates(Place& place, const std::string& source) {
  std::map<std::string, int> stems;
  for (const auto& each : place.dates) ++stems[each.image.stem().string()];
  std::set<std::string> names;
  for (auto& each : place.dates) {
    const auto stem = each.image.stem().string();
    if (each.date.empty()) each.date = stems[stem] == 1 ? stem : each.image.filename().string();
    if (!names.insert(each.date).second) {
      fail(fmt::format("{}: place {}", source, place.name), fmt::format("has the date {} twice", each.date),
           "give each image of a place its own date");
    }
  }
}

Place place_of(const fs::path& folder, const std::vector<fs::path>& images) {
  Place place{.name = fs::absolute(folder / "").lexically_normal().parent_path().filename().string(),
              .dates = {}};
  for (const auto& image : images) place.dates.push_back({.date = {}, .image = image});
  return place;
}

std::vector<Place> folder_places(const fs::path& folder) {
  const auto content = content_of(folder);
  if (!content.images.empty() && !content.folders.empty()) {
    fail_expected({folder.string(), "the images of one place, or a folder for each place",
                   fmt::format("{} images and {} folders", content.images.size(), content.folders.size())});
  }
  if (content.folders.empty()) return {place_of(folder, content.images)};
  std::vector<Place> places;
  for (const auto& each : content.folders) places.push_back(place_of(each, content_of(each).images));
  return places;
}

/// Places in the order of their first entry.
class ListedPlaces {
 public:
  void add(const std::string& name, DatedImage image) {
    const auto [known, is_new] = places_.emplace(name, order_.size());
    if (is_new) order_.push_back({.name = name, .dates = {}});
    order_[known->second].dates.push_back(std::move(image));
  }
  std::vector<Place> take() { return std::move(order_); }

 private:
  std::map<std::string, size_t> places_;
  std::vector<Place> order_;
};

/// Returns the date of an entry; a year may be a number.
std::optional<std::string> date_of(const nlohmann::json& entry, const std::string& where) {
  const auto found = entry.find("date");
  return found != entry.end() && found->is_number_integer() ? found->dump() : text_of(entry, "date", where);
}

/// Reads a list into places; `name` is that of a place without a name.
class ListReader {
 public:
  ListReader(const fs::path& list, const fs::path& image_root)
      : source_(list.string()),
        name_(list.stem().string()),
        root_(image_root.empty() ? folder_of_list(list) : image_root) {}

  std::vector<Place> read(std::string_view text) {
    if (is_json_list(text)) {
      visit_entries(text, source_, [&](const nlohmann::json& entry, const std::string& where) {
        if (!entry.is_object()) fail_expected({where, "an object with image", entry.type_name()});
        add(where, text_of(entry, "image", where), text_of(entry, "place", where), date_of(entry, where));
      });
    } else if (const auto first = text.substr(0, text.find_first_of("\r\n"));
               first.find(',') != std::string_view::npos || first == "image") {
      read_csv(text);
    } else {
      read_lines(text);
    }
    return places_.take();
  }

 private:
  using Text = std::optional<std::string>;

  void add(const std::string& where, const Text& image, const Text& place, const Text& date) {
    if (!image) fail_expected({where + ": image", "the path of an image", "none"});
    places_.add(place.value_or(name_), {.date = date.value_or(""), .image = located(*image, root_)});
  }

  void read_csv(std::string_view text) {
    CsvRow header;
    visit_csv(text, source_, [&](CsvRow&& row, size_t number) {
      if (header.empty()) {
        header = std::move(row);
        if (std::find(header.begin(), header.end(), "image") == header.end())
          fail_expected({source_, kForms, fmt::format("'{:.60}'", text.substr(0, text.find('\n')))});
        return;
      }
      const auto where = fmt::format("{}: row {}", source_, number);
      expect_cells(row, header.size(), where + ": cells");
      const auto cell = [&](std::string_view name) -> Text {
        const auto at = static_cast<size_t>(std::find(header.begin(), header.end(), name) - header.begin());
        return at >= row.size() || row[at].empty() ? Text() : Text(row[at]);
      };
      add(where, cell("image"), cell("place"), cell("date"));
    });
  }

  void read_lines(std::string_view text) {
    for (size_t number = 1; !text.empty(); ++number) {
      const auto end = std::min(text.find('\n'), text.size());
      auto line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      const auto where = fmt::format("{}: line {}", source_, number);
      if (!has_image_extension(fs::path(line))) fail_expected({where, kForms, fmt::format("'{:.60}'", line)});
      add(where, std::string(line), {}, {});
    }
  }

  std::string source_, name_;
  fs::path root_;
  ListedPlaces places_;
};

}  // namespace

Series read_series(const fs::path& folder_or_list, const fs::path& image_root) try {
  const auto source = folder_or_list.string();
  Series series;
  for (auto& place : is_folder(folder_or_list)
                         ? folder_places(folder_or_list)
                         : ListReader(folder_or_list, image_root).read(read_text_file(folder_or_list))) {
    name_dates(place, source);
    if (place.dates.size() < 2)
      series.left_out.push_back(place.name);
    else
      series.places.push_back(std::move(place));
  }
  if (series.places.empty()) {
    fail_expected(
        {source, "at least two images of a place",
         series.left_out.empty() ? "none" : fmt::format("at most one of {}", series.left_out.front())});
  }
  return series;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::data
