#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "model/shared/adapter.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kMerge = "merge the adapter with merge_and_unload() of PEFT and save the whole model";

/// Settings of PEFT that change the arithmetic or the files, and must be off.
constexpr std::array kOff{"use_dora",
                          "modules_to_save",
                          "lora_bias",
                          "use_qalora",
                          "use_bdlora",
                          "layer_replication",
                          "target_parameters",
                          "alora_invocation_tokens",
                          "arrow_config",
                          "kasa_config",
                          "monteclora_config",
                          "velora_config",
                          "trainable_token_indices"};
/// Initialisations after which the base is what it was; the others subtract a part of it from its weights.
constexpr std::array kHarmlessStarts{"gaussian", "orthogonal", "eva"};

bool is_off(const json& value) {
  if (value.is_null() || (value.is_structured() && value.empty())) return true;
  return value == false || (value.is_string() && value.get_ref<const std::string&>().empty());
}

void expect_off(const json& object, const std::string& source) {
  for (const char* key : kOff) {
    const auto found = object.find(key);
    if (found == object.end() || is_off(*found)) continue;
    fail_expected({fmt::format("{}: {}", source, key), "an adapter without it", json_shown(*found), kMerge});
  }
}

void expect_usual_start(const json& object, const std::string& source) {
  const auto found = object.find("init_lora_weights");
  if (found == object.end() || !found->is_string()) return;
  const auto& name = found->get_ref<const std::string&>();
  if (std::any_of(kHarmlessStarts.begin(), kHarmlessStarts.end(),
                  [&](const char* each) { return name == each; })) {
    return;
  }
  fail_expected({source + ": init_lora_weights", "a start that leaves the base's weights as they are", name,
                 "save it with path_initial_model_for_weight_conversion of PEFT"});
}

void expect_lora(const json& object, const std::string& source) {
  if (!object.is_object()) fail_expected({source, "a JSON object", json_shown(object)});
  const auto type = json_value(object, "peft_type", std::string(), source);
  if (type != "LORA")
    fail_expected({source + ": peft_type", "LORA", type.empty() ? "none" : type, "no other adapter is read"});
  const auto bias = json_value(object, "bias", std::string("none"), source);
  if (bias != "none") fail_expected({source + ": bias", "none", bias, kMerge});
  expect_off(object, source);
  expect_usual_start(object, source);
}

/// Returns a pattern's entries in the order of the text: PEFT uses the first match.
std::vector<std::pair<std::string, double>> pattern_of(const ordered_json& object, const char* key,
                                                       const std::string& source) {
  std::vector<std::pair<std::string, double>> entries;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return entries;
  const auto place = fmt::format("{}: {}", source, key);
  if (!found->is_object()) fail_expected({place, "an object of names and numbers", "another type"});
  for (const auto& [name, value] : found->items()) {
    if (!is_plain_pattern(name)) fail_expected({place, "ends of names", name, kMerge});
    if (!value.is_number() || !(value.get<double>() > 0.0))
      fail_expected({fmt::format("{}.{}", place, name), "a number above 0", json_shown(value)});
    entries.emplace_back(name, value.get<double>());
  }
  return entries;
}

json number_of(double value) {
  const auto whole = static_cast<int64_t>(value);
  return static_cast<double>(whole) == value ? json(whole) : json(value);
}

}  // namespace

double AdapterConfig::scale_of(const std::string& name, int64_t rank) const {
  auto own = size;
  own.rank = rank;
  const auto found = std::find_if(alphas.begin(), alphas.end(),
                                  [&](const auto& entry) { return ends_as(name, entry.first); });
  if (found != alphas.end()) own.alpha = found->second;
  return own.scale();
}

AdapterConfig parse_adapter_config(std::string_view text, const std::string& source) try {
  const auto object = parse_json(text, source);
  expect_lora(object, source);
  AdapterConfig config;
  config.size.rank = json_value(object, "r", LoraSize{}.rank, source, at_least(1));
  config.size.alpha = json_value(object, "lora_alpha", 8.0, source, above(0));  // PEFT's default
  config.size.rank_stabilized = json_value(object, "use_rslora", false, source);
  config.base = json_value(object, "base_model_name_or_path", std::string(), source);
  const auto ordered = parse_ordered_json(text, source);
  config.alphas = pattern_of(ordered, "alpha_pattern", source);
  config.sizes_differ = !config.alphas.empty() || !pattern_of(ordered, "rank_pattern", source).empty();
  return config;
} catch (...) {
  rethrow_as_error();
}

std::string adapter_config_json(const LoraLayers& layers, const AdapterText& text) {
  json targets = json::array();
  const std::string prefix = "base_model.model.", end = kLoraA;
  for (const auto& tensor : adapter_tensors(layers, text.layout)) {
    if (!tensor.name.ends_with(end)) continue;
    targets.push_back(tensor.name.substr(prefix.size(), tensor.name.size() - prefix.size() - end.size()));
  }
  const json object{{"peft_type", "LORA"},
                    {"task_type", "CAUSAL_LM"},
                    {"base_model_name_or_path", text.base},
                    {"r", text.size.rank},
                    {"lora_alpha", number_of(text.size.alpha)},
                    {"lora_dropout", 0.0},
                    {"use_rslora", text.size.rank_stabilized},
                    {"use_dora", false},
                    {"bias", "none"},
                    {"fan_in_fan_out", false},
                    {"init_lora_weights", true},
                    {"inference_mode", true},
                    {"modules_to_save", nullptr},
                    {"rank_pattern", json::object()},
                    {"alpha_pattern", json::object()},
                    {"target_modules", targets}};
  return object.dump(2) + "\n";
}

}  // namespace ccexpert::model
