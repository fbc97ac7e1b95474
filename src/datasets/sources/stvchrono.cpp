// STVchrono: street views of one place over the years, two to five images per task. Successive images form a
// pair.
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "datasets/caption_text.h"
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Maximum images of a task, which texts call A to E in order.
constexpr size_t kMostImages = 5;

bool is_word(char c) {
  return c == '\'' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string_view next_word(std::string_view text) {
  const auto start = std::min(text.find_first_not_of(' '), text.size());
  const auto end = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(start), text.end(), is_word);
  return text.substr(start, static_cast<size_t>(end - text.begin()) - start);
}

/// True if the "A" at `i` is the article: it starts a sentence, and a noun or an adjective can follow.
bool is_article(std::string_view text, size_t i) {
  constexpr std::array<std::string_view, 18> kNoNouns{"is",  "are",  "was",   "has",    "have",    "had",
                                                      "and", "or",   "to",    "but",    "than",    "in",
                                                      "of",  "that", "shows", "showed", "becomes", "does"};
  const auto before = text.substr(0, i).find_last_not_of(' ');
  const bool begins = before == std::string_view::npos || text[before] == '.';
  const auto next = next_word(text.substr(i + 1));
  return text[i] == 'A' && begins && !next.empty() &&
         std::islower(static_cast<unsigned char>(next[0])) != 0 &&
         std::find(kNoNouns.begin(), kNoNouns.end(), next) == kNoNouns.end();
}

/// Returns the places where a text names images: single capitals from A to E.
std::vector<size_t> names_in(std::string_view text) {
  std::vector<size_t> names;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool alone = (i == 0 || !is_word(text[i - 1])) && (i + 1 == text.size() || !is_word(text[i + 1]));
    const bool letter = text[i] >= 'A' && text[i] < static_cast<char>('A' + kMostImages);
    if (alone && letter && !is_article(text, i)) names.push_back(i);
  }
  return names;
}

/// Returns the text with image `first` and the next renamed to A and B; nothing if it names no image or
/// another one. A statement about a single image of a task (such as "B has the most cars") is kept in each of
/// that image's pairs.
std::optional<std::string> text_of_pair(std::string text, size_t first) {
  const auto names = names_in(text);
  if (names.empty()) return std::nullopt;
  for (const auto i : names) {
    const auto image = static_cast<size_t>(text[i] - 'A');
    if (image != first && image != first + 1) return std::nullopt;
    text[i] = image == first ? 'A' : 'B';
  }
  return text;
}

/// Returns the texts of the task, one for each object that may change.
std::vector<std::string> texts_of(const json& task) {
  std::vector<std::string> texts;
  for (const auto& attribute : list_field(task, "attributes")) {
    if (text_field(attribute, "type") != "textarea") continue;
    const auto value = attribute.find("value");
    if (value == attribute.end() || !value->is_string()) continue;
    if (!clean_caption(value->get<std::string>()).empty()) texts.push_back(value->get<std::string>());
  }
  return texts;
}

/// Returns the captions of a task of two images. If something changed, texts about unchanged objects are
/// dropped.
std::vector<std::string> captions_of(const json& task) {
  std::vector<std::string> changes, others;
  for (const auto& text : texts_of(task)) (says_no_change(text) ? others : changes).push_back(text);
  return changes.empty() ? others : changes;
}

/// Returns the captions of two successive images of a longer task. An unchanged object tells nothing about
/// the pair, because texts of other objects may be about other images.
std::vector<std::string> captions_of(const json& task, size_t first) {
  std::vector<std::string> captions;
  for (const auto& text : texts_of(task)) {
    if (says_no_change(text)) continue;
    if (auto own = text_of_pair(text, first)) captions.push_back(std::move(*own));
  }
  return captions;
}

/// Returns the image's path within the set; the authors' mirrors have different folders.
std::string located(const fs::path& input, const std::string& task, const std::string& name) {
  for (const auto& candidate : {name, fmt::format("images/{}", name), fmt::format("{}/{}", task, name),
                                fmt::format("images/{}/{}", task, name)}) {
    if (has(input, candidate)) return candidate;
  }
  return "images/" + name;
}

/// List in progress: its data set and split.
struct List {
  fs::path input;
  std::string split;
};

/// Returns the pair of image `first` and the next.
Entry entry_of(const json& task, size_t first, const List& list) {
  const auto name = text_field(task, "name");
  const auto& contents = list_field(task, "contents");
  const auto before = text_field(contents[first], "name"), after = text_field(contents[first + 1], "name");
  Entry entry{.split = list.split, .uid = fmt::format("{}-{}", stem_of(before), stem_of(after))};
  entry.before = located(list.input, name, before);
  entry.after = located(list.input, name, after);
  entry.captions = contents.size() == 2 ? captions_of(task) : captions_of(task, first);
  return entry;
}

void read_task(Sink& sink, const json& task, const std::string& where, const List& list) {
  const auto images = list_field(task, "contents").size();
  if (images < 2 || images > kMostImages) return sink.pass_over();
  for (size_t i = 0; i + 1 < images; ++i) {
    const bool is_whole = images == 2;
    if (!is_whole && captions_of(task, i).empty()) {
      sink.pass_over();
    } else {
      sink.add(is_whole ? where : fmt::format("{}, images {} and {}", where, i + 1, i + 2),
               [&] { return entry_of(task, i, list); });
    }
  }
}

void read(Sink& sink) {
  for (const auto& name : lists_with(sink.input(), {"contents", "attributes"})) {
    const List list{sink.input(), split_in_name(name)};
    visit_elements(sink.input() / name, {.ignored = {"url"}}, [&](json& task, const std::string& where) {
      try {
        read_task(sink, task, where, list);
      } catch (const Fault&) {
        throw;
      } catch (const Error& error) {
        sink.refuse(where, error.what());
      }
    });
  }
}

}  // namespace

Source stvchrono_source() {
  return {"stvchrono", "STVchrono", "JSON of tasks with contents and attributes",
          [](const fs::path& folder) {
            return !lists_with(folder, {"contents", "attributes"}).empty();
          },
          read};
}

}  // namespace ccexpert::datasets
