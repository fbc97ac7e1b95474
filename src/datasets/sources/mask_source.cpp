#include "datasets/sources/mask_source.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/error_place.h"
#include "core/file_names.h"
#include "core/foreign_errors.h"
#include "datasets/parallel.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

std::string sizes(int64_t height, int64_t width) {
  return fmt::format("{} x {} pixels", width, height);
}

void expect_size(const fs::path& file, const image::Image& image, const ChangeMap& map) {
  if (image.height == map.height && image.width == map.width) return;
  fail_expected(
      {file.string(), sizes(map.height, map.width) + ", as in its label", sizes(image.height, image.width)});
}

image::Image mask_image(const ChangeMap& map) {
  image::Image image{map.height, map.width, {}};
  image.pixels.reserve(3 * map.kinds.size());
  for (const auto kind : map.kinds) image.pixels.insert(image.pixels.end(), 3, kind != 0 ? 255 : 0);
  return image;
}

/// Failure to write, such as a full disk: not the fault of a pair, which could be left out.
class OutputError : public Error {
 public:
  using Error::Error;
};

/// Files of one window, below one folder.
class WindowFiles {
 public:
  WindowFiles(const fs::path& folder, std::string name) : folder_(folder), name_(std::move(name)) {}

  std::string write(const char* kind, const image::Image& image) const {
    auto path = fmt::format("{}/{}.png", kind, name_);
    try {
      put(folder_ / path, image);
    } catch (const Error& error) {
      throw OutputError(error.what());
    }
    return path;
  }

 private:
  static void put(const fs::path& file, const image::Image& image) {
    std::error_code code;
    fs::create_directories(file.parent_path(), code);
    if (code) fail_system(file.parent_path().string(), "cannot be created", code.value());
    image::write_png(file, image.view());
  }

  const fs::path& folder_;
  std::string name_;
};

/// Data shared by all pairs.
struct Shared {
  const ConvertOptions& options;
  const fs::path& made;  ///< folder for windows and maps
};

/// Data shared by all windows of a pair.
struct Opened {
  const MaskedPair& pair;
  const MaskReading& reading;
  const Shared& shared;
  bool label_is_mask;
  Labels labels;
  /// Decoded once, and only if a window is cut from them.
  std::optional<image::Image> before = {};
  std::optional<image::Image> after = {};
};

bool is_whole(const Window& window, const ChangeMap& map) {
  return window.height == map.height && window.width == map.width;
}

void write_maps(Entry& entry, const Opened& opened, const Window& window, const WindowFiles& files) {
  entry.mask = files.write("maps/mask", mask_image(cut(opened.labels.change, window)));
  if (!opened.labels.classes) return;
  entry.classes_before = files.write("maps/classes1", cut(opened.labels.classes->before, window));
  entry.classes_after = files.write("maps/classes2", cut(opened.labels.classes->after, window));
}

const image::Image& decoded(std::optional<image::Image>& image, const fs::path& file, const ChangeMap& map) {
  if (!image) {
    image = image::decode_image(file);
    expect_size(file, *image, map);
  }
  return *image;
}

void write_images(Entry& entry, Opened& opened, const Window& window, const WindowFiles& files) {
  const auto& [input, change] = std::tie(opened.shared.options.input, opened.labels.change);
  entry.before =
      files.write("crops/A", cut(decoded(opened.before, input / opened.pair.before, change), window));
  entry.after = files.write("crops/B", cut(decoded(opened.after, input / opened.pair.after, change), window));
  entry.made = true;
}

/// Returns nothing if the changes are too small to describe.
std::optional<Entry> window_entry(Opened& opened, const Window& window, const std::string& uid) {
  const auto& pair = opened.pair;
  const auto map = cut(opened.labels.change, window);
  const auto facts = facts_of(map, opened.shared.options.crops.least_share);
  const bool any = std::any_of(map.kinds.begin(), map.kinds.end(), [](uint8_t kind) { return kind != 0; });
  if (any && facts.empty()) return std::nullopt;
  const WindowFiles files(opened.shared.made, fmt::format("{}/{}", pair.split, uid));
  Entry entry{.split = pair.split, .uid = uid, .changed = any, .before = pair.before, .after = pair.after};
  const bool whole = is_whole(window, opened.labels.change);
  if (!whole) write_images(entry, opened, window, files);
  if (whole && opened.label_is_mask) {
    entry.mask = pair.labels.front();
  } else {
    write_maps(entry, opened, window, files);
    entry.made_maps = true;
  }
  entry.captions_by = caption_source::kTemplate;
  entry.captions =
      mask_captions(facts, opened.reading.words,
                    {opened.reading.captions, opened.shared.options.seed, text_key(pair.split + uid).low});
  entry.facts = fact_texts(facts, opened.reading.words);
  return entry;
}

bool is_lossy(const fs::path& file) {
  const auto extension = lower_extension(file);
  return extension == ".jpg" || extension == ".jpeg" || extension == ".webp";
}

std::vector<Entry> entries_of(const MaskedPair& pair, const MaskReading& reading, const Shared& shared) {
  const auto& options = shared.options;
  std::vector<LabelImage> labels;
  for (const auto& label : pair.labels) {
    labels.push_back({image::decode_image(options.input / label), is_lossy(label)});
  }
  // Values near 0 in a lossy label would count as changed in training.
  Opened opened{pair, reading, shared, reading.label_is_mask && !labels.front().lossy, {}};
  with_place((options.input / pair.labels.front()).string(), [&] { opened.labels = reading.read(labels); });
  const auto windows = windows_of(opened.labels.change, options.crops);
  std::vector<Entry> entries;
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto uid = windows.size() == 1 ? pair.uid : fmt::format("{}_w{}", pair.uid, i + 1);
    if (auto entry = window_entry(opened, windows[i], uid)) entries.push_back(std::move(*entry));
  }
  return entries;
}

constexpr int kUpperHalf = 128;

/// Maximum compression noise in a lossy label without changes.
constexpr int kNoise = 32;

std::vector<uint8_t> largest_channels(const image::Image& image) {
  std::vector<uint8_t> values(image.pixels.size() / 3);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto* pixel = image.pixels.data() + 3 * i;
    values[i] = std::max({pixel[0], pixel[1], pixel[2]});
  }
  return values;
}

/// Result of one pair.
struct Outcome {
  std::vector<Entry> entries;
  std::string problem;
};

}  // namespace

void add_masked_pairs(Sink& sink, const std::vector<MaskedPair>& pairs, const MaskReading& reading) {
  const auto& options = sink.options();
  const Shared shared{options, sink.made_folder()};
  const auto work = [&](int64_t i) -> Outcome {
    try {
      return {entries_of(pairs[static_cast<size_t>(i)], reading, shared), {}};
    } catch (const OutputError&) {
      throw;
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      return {{}, error.what()};
    }
  };
  parallel_ordered(static_cast<int64_t>(pairs.size()), options.jobs, work, [&](int64_t i, Outcome&& outcome) {
    const auto where = (options.input / pairs[static_cast<size_t>(i)].labels.front()).string();
    if (!outcome.problem.empty()) return sink.refuse(where, outcome.problem);
    if (outcome.entries.empty()) return sink.pass_over();
    for (auto& entry : outcome.entries) sink.add(where, [&] { return std::move(entry); });
  });
}

ChangeMap binary_map(const LabelImage& label) {
  const auto& [image, lossy] = label;
  ChangeMap map{image.height, image.width, largest_channels(image)};
  auto& values = map.kinds;
  const int largest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  // The largest value tells which of the two forms a label has.
  const int changed = lossy || largest > 1 ? 255 : 1;
  const int noise = !lossy ? 0 : largest >= kUpperHalf ? kUpperHalf - 1 : kNoise;
  for (size_t i = 0; i < values.size(); ++i) {
    const int value = values[i];
    if (value > noise && value < changed - noise) {
      const auto width = static_cast<size_t>(image.width);
      fail_expected({fmt::format("pixel in row {}, column {}", i / width, i % width), "0 and 255, or 0 and 1",
                     fmt::format("{}", value)});
    }
    values[i] = value > noise ? 1 : 0;
  }
  return map;
}

}  // namespace ccexpert::datasets
