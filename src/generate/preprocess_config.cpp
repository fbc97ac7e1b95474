#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "generate/shared/checkpoint_texts.h"

namespace ccexpert::generate {
namespace {

using nlohmann::json;

constexpr std::string_view kConfig = "config.json";

/// Valid range of a normalisation's numbers, for values from 0 to 1. Other scales would give the vision tower
/// meaningless pictures.
struct Range {
  double least;
  double most;
};
// Of CLIP's training images.
constexpr std::array<double, 3> kClipMean{0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipDeviation{0.26862954, 0.26130258, 0.27577711};

constexpr Range kMeans{0.0, 1.0}, kDeviations{0.01, 2.0};

/// Three numbers of a processor: their key, valid range, and the values of a file without the key.
struct Triple {
  const char* key;
  Range range;
  std::array<double, 3> usual;
};

std::array<double, 3> read_triple(const json& object, const Triple& triple, std::string_view source) {
  const auto& [key, range, usual] = triple;
  auto values = usual;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return values;
  const auto what = fmt::format("{}: {}", source, key);
  const bool numbers =
      found->is_array() && found->size() == 3 &&
      std::all_of(found->begin(), found->end(), [](const json& each) { return each.is_number(); });
  if (!numbers) fail_expected({what, "three numbers", json_shown(*found)});
  for (size_t i = 0; i < 3; ++i) {
    values[i] = (*found)[i].get<double>();
    if (!(values[i] >= range.least && values[i] <= range.most))
      fail_expected({what, fmt::format("{} to {}, of values from 0 to 1", range.least, range.most),
                     fmt::format("{}", values[i])});
  }
  return values;
}

template <class Value>
void expect_value(const json& object, const char* key, Value expected, std::string_view source) {
  const auto value = json_value(object, key, expected, source);
  if (value != expected)
    fail_expected(
        {fmt::format("{}: {}", source, key), fmt::format("{}", expected), fmt::format("{}", value)});
}

/// Returns the size of a processor's result for messages: from an object, or from one number.
std::string size_shown(const json& size) {
  if (!size.is_object()) return json_shown(size);
  std::string text;
  for (const char* key : {"height", "width", "shortest_edge"}) {
    if (size.contains(key))
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, json_shown(size[key]));
  }
  return text.empty() ? "an object" : text;
}

/// True if a processor has this size or states none.
bool fits(const json& processor, const char* size, int64_t side, std::string_view source) {
  const auto found = processor.find(size);
  if (found == processor.end() || found->is_null()) return true;
  const auto is_side = [&](const char* key) {
    return json_value(*found, key, side, fmt::format("{}: {}", source, size)) == side;
  };
  return found->is_object() ? is_side("height") && is_side("width") && is_side("shortest_edge")
                            : *found == side;
}

json parse_processor(std::string_view text, std::string_view source) {
  json processor = parse_json(text, source);
  if (!processor.is_object()) fail_expected({source, "a JSON object", processor.type_name()});
  return processor;
}

/// Throws Error for steps other than the supported ones.
void expect_known_steps(const json& processor, const image::PreprocessConfig& config, bool clip,
                        std::string_view source) {
  const int64_t side = config.size;
  const double rescale = json_value(processor, "rescale_factor", 1.0 / 255.0, source);
  if (!(std::abs(rescale - 1.0 / 255.0) <= 1e-6))
    fail_expected({fmt::format("{}: rescale_factor", source), "1/255", fmt::format("{}", rescale)});
  for (const char* step : {"do_resize", "do_rescale", "do_normalize"})
    expect_value(processor, step, true, source);
  // CLIP's processor crops the middle; a padded image is square, and all of it is the middle.
  const bool crops_nothing = clip && config.aspect == image::AspectMode::kPad;
  if (!crops_nothing) expect_value(processor, "do_center_crop", false, source);
  if (crops_nothing && !fits(processor, "crop_size", side, source))
    fail_expected({fmt::format("{}: crop_size", source), fmt::format("the vision tower's {}", side),
                   size_shown(processor["crop_size"])});
  // The tower always gets its own size, whatever the processor states.
  if (!fits(processor, "size", side, source))
    fail_expected({fmt::format("{}: size", source), fmt::format("the vision tower's {}", side),
                   size_shown(processor["size"])});
  constexpr int64_t kBicubic = 3;  // in Pillow's numbering
  const auto filter = json_value(processor, "resample", kBicubic, source);
  if (filter != kBicubic)
    fail_expected({fmt::format("{}: resample", source), "3 (bicubic)", fmt::format("{}", filter)});
}

/// Returns the aspect mode: "square" and the crops of "anyres" are one square in CCExpert; only padding
/// differs. With CLIP, crops are those of LLaVA-1.6, which was trained with several of an image.
image::AspectMode aspect_of(std::string_view config_json, bool clip) {
  const std::string usual = clip ? "pad" : "square";
  const auto mode = json_value(parse_json(config_json, kConfig), "image_aspect_ratio", usual, kConfig);
  if (mode == "pad") return image::AspectMode::kPad;
  if (mode != "square" && (clip || !mode.starts_with("anyres")))
    fail_expected(
        {"config.json: image_aspect_ratio", clip ? "square or pad" : "square, pad or anyres", mode});
  return image::AspectMode::kSquare;
}

}  // namespace

image::PreprocessConfig parse_preprocess_config(std::string_view preprocessor_json,
                                                std::string_view config_json,
                                                const model::VisionConfig& vision,
                                                std::string_view source) try {
  const bool clip = vision.tower == model::TowerKind::kClip;
  image::PreprocessConfig config{.size = vision.image_size};
  if (vision.tower != model::TowerKind::kSiglip) {  // EVA was trained with CLIP's too
    config.mean = kClipMean;
    config.deviation = kClipDeviation;
  }
  config.aspect = aspect_of(config_json, clip);
  if (preprocessor_json.empty()) return config;
  const json processor = parse_processor(preprocessor_json, source);
  config.mean = read_triple(processor, {"image_mean", kMeans, config.mean}, source);
  config.deviation = read_triple(processor, {"image_std", kDeviations, config.deviation}, source);
  expect_known_steps(processor, config, clip, source);
  return config;
} catch (...) {
  rethrow_as_error();
}

std::string preprocessor_for(std::string preprocessor_json, int64_t side) try {
  if (preprocessor_json.empty()) return preprocessor_json;
  json processor = parse_processor(preprocessor_json, kPreprocessorFile);
  if (fits(processor, "size", side, kPreprocessorFile)) return preprocessor_json;
  const json square{{"height", side}, {"width", side}};
  if (processor.contains("crop_size")) processor["crop_size"] = square;
  processor["size"] = square;
  return processor.dump(2) + "\n";
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::generate
