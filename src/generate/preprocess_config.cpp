#include "generate/preprocess_config.h"

#include <cmath>

#include <fmt/format.h>

#include "core/json.h"

namespace ccexpert {
namespace {

using nlohmann::json;

constexpr std::string_view kSource = "preprocessor_config.json";

void read_triple(const json& object, const char* key, std::array<double, 3>& values) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return;
  if (!found->is_array() || found->size() != 3)
    fail({kSource, std::string(key) + " of three numbers", found->dump()});
  for (size_t i = 0; i < 3; ++i) {
    if (!(*found)[i].is_number()) fail({kSource, std::string(key) + " of three numbers", found->dump()});
    values[i] = (*found)[i].get<double>();
  }
}

template <class Value>
void expect_value(const json& object, const char* key, Value expected) {
  if (json_value(object, key, expected, kSource) != expected)
    fail({fmt::format("{}: {}", kSource, key), fmt::format("{}", expected), object[key].dump()});
}

/// Whether a processor has this size, or says nothing of it. `size` is an object with height and width, or
/// one number.
bool fits(const json& processor, int64_t side) {
  const auto found = processor.find("size");
  if (found == processor.end() || found->is_null()) return true;
  const auto length = [&](const char* key) {
    return json_value(*found, key, side, fmt::format("{}: size", kSource));
  };
  return found->is_object() ? length("height") == side && length("width") == side : *found == side;
}

/// Whatever the processor says, the tower sees its own size.
void expect_size_of_tower(const json& processor, int64_t side) {
  if (!fits(processor, side))
    fail({fmt::format("{}: size", kSource), fmt::format("the vision tower's {}", side),
          processor["size"].dump()});
}

json parse_processor(std::string_view text) {
  json processor = parse_json(text, kSource);
  if (!processor.is_object()) fail({kSource, "a JSON object", processor.type_name()});
  return processor;
}

}  // namespace

PreprocessConfig parse_preprocess_config(std::string_view preprocessor_json, std::string_view config_json,
                                         const VisionConfig& vision) {
  PreprocessConfig config{.size = vision.image_size};
  const json model = parse_json(config_json, "config.json");
  // "square" and the crops of "anyres" are one square to CCExpert; only padding changes what it sees.
  if (json_value(model, "image_aspect_ratio", std::string(), "config.json") == "pad")
    config.aspect = AspectMode::kPad;
  if (preprocessor_json.empty()) return config;
  const json processor = parse_processor(preprocessor_json);
  read_triple(processor, "image_mean", config.mean);
  read_triple(processor, "image_std", config.deviation);
  const double rescale = json_value(processor, "rescale_factor", 1.0 / 255.0, kSource);
  if (std::abs(rescale - 1.0 / 255.0) > 1e-6)
    fail({kSource, "a rescale_factor of 1/255", std::to_string(rescale)});
  for (const char* step : {"do_resize", "do_rescale", "do_normalize"}) expect_value(processor, step, true);
  expect_value(processor, "do_center_crop", false);
  expect_size_of_tower(processor, vision.image_size);
  constexpr int64_t kBicubic = 3;  // as Pillow numbers its filters
  expect_value(processor, "resample", kBicubic);
  for (const double deviation : config.deviation) {
    if (deviation <= 0.0) fail({kSource, "image_std above 0", std::to_string(deviation)});
  }
  return config;
}

std::string preprocessor_for(std::string preprocessor_json, int64_t side) {
  if (preprocessor_json.empty()) return preprocessor_json;
  json processor = parse_processor(preprocessor_json);
  if (fits(processor, side)) return preprocessor_json;
  processor["size"] = {{"height", side}, {"width", side}};
  return processor.dump(2) + "\n";
}

}  // namespace ccexpert
