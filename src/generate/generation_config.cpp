#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/generate/generation_config.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "generate/lengths.h"

namespace ccexpert::generate {
namespace {

using nlohmann::json;

/// Unsupported setting of transformers, and the value at which it has no effect. null, false and an empty
/// list have no effect either.
struct Setting {
  const char* key;
  json neutral = {};
};

const std::vector<Setting>& of_every_decoding() {
  static const std::vector<Setting> settings{{"no_repeat_ngram_size", 0},
                                             {"bad_words_ids"},
                                             {"suppress_tokens"},
                                             {"begin_suppress_tokens"},
                                             {"forced_bos_token_id"},
                                             {"forced_eos_token_id"},
                                             {"forced_decoder_ids"},
                                             {"force_words_ids"},
                                             {"constraints"},
                                             {"sequence_bias"},
                                             {"min_length", 0},
                                             {"exponential_decay_length_penalty"},
                                             {"guidance_scale", 1},
                                             {"penalty_alpha", 0},
                                             {"dola_layers"},
                                             {"watermarking_config"},
                                             {"token_healing"},
                                             {"stop_strings"},
                                             {"max_time"}};
  return settings;
}

const std::vector<Setting>& of_sampling() {
  static const std::vector<Setting> settings{
      {"min_p", 0}, {"top_h"}, {"typical_p", 1}, {"epsilon_cutoff", 0}, {"eta_cutoff", 0}};
  return settings;
}

/// Beam search stops as with early_stopping "never".
const std::vector<Setting>& of_beams() {
  static const std::vector<Setting> settings{
      {"early_stopping", "never"}, {"diversity_penalty", 0}, {"num_beam_groups", 1}, {"renormalize_logits"}};
  return settings;
}

std::vector<std::string> active(const json& file, const std::vector<Setting>& settings) {
  std::vector<std::string> keys;
  for (const auto& [key, neutral] : settings) {
    const auto found = file.find(key);
    if (found == file.end() || found->is_null() || *found == neutral) continue;
    if (*found == false || (found->is_structured() && found->empty())) continue;
    keys.emplace_back(key);
  }
  return keys;
}

void refuse(const std::string& source, const std::vector<std::string>& keys) {
  if (keys.empty()) return;
  fail(source, fmt::format("{} not supported", fmt::join(keys, ", ")),
       "without it captions would differ from those the file asks for; to accept that, remove it from the "
       "file");
}

template <class Value>
void read(const json& file, const char* key, std::optional<Value>& value, std::string_view source) {
  if (const auto found = file.find(key); found != file.end() && !found->is_null())
    value = json_value(file, key, Value{}, source);
}

/// Reads one id or a list of ids.
std::vector<int64_t> read_ids(const json& file, const char* key, std::string_view source) {
  const auto found = file.find(key);
  if (found == file.end() || found->is_null()) return {};
  const json list = found->is_array() ? *found : json::array({*found});
  const auto refuse = [&](const std::string& got) {
    fail_expected({fmt::format("{}: {}", source, key), "a token id or a list of them", got});
  };
  if (list.empty()) refuse("[]");
  for (const auto& id : list) {
    if (!id.is_number_unsigned()) refuse(json_shown(id));
  }
  return list.get<std::vector<int64_t>>();
}

/// Returns the key of an option in generation_config.json.
std::string name_in_file(const std::string& field) {
  return field == "beams" ? "num_beams" : field;
}

/// Returns the file's values as if sampling were requested.
DecodingConfig every_value_of(GenerationOptions values) {
  values.do_sample = true;
  return decoding_config(values, {});
}

}  // namespace

CheckpointGeneration::CheckpointGeneration(std::string_view json_text, std::string source,
                                           std::vector<int64_t> end_ids) try
    : source_(std::move(source)) {
  values_.stop_ids = std::move(end_ids);
  if (json_text.empty()) return;
  const json file = parse_json(json_text, source_);
  if (!file.is_object()) fail_expected({source_, "a JSON object", file.type_name()});
  read(file, "max_new_tokens", values_.max_new_tokens, source_);
  read(file, "min_new_tokens", values_.min_new_tokens, source_);
  read(file, "num_beams", values_.beams, source_);
  read(file, "length_penalty", values_.length_penalty, source_);
  read(file, "temperature", values_.temperature, source_);
  read(file, "top_p", values_.top_p, source_);
  read(file, "top_k", values_.top_k, source_);
  read(file, "repetition_penalty", values_.repetition_penalty, source_);
  if (auto ids = read_ids(file, "eos_token_id", source_); !ids.empty()) values_.stop_ids = std::move(ids);
  check_fields(values_, [&](const std::string& field) { return source_ + ": " + name_in_file(field); });
  expect_lengths_fit(every_value_of(values_), source_ + ": ");
  refuse(source_, active(file, of_every_decoding()));
  of_sampling_ = active(file, of_sampling());
  of_beams_ = active(file, of_beams());
} catch (...) {
  rethrow_as_error();
}

DecodingConfig CheckpointGeneration::decoding(const GenerationOptions& asked, int64_t vocabulary) const try {
  asked.validate();
  auto decoding = decoding_config(asked, values_);
  if (asked.samples() && decoding.temperature == 0.0) {
    fail_expected({source_ + ": temperature", asked.do_sample ? "above 0 with do_sample" : "above 0 with mbr",
                   "0", "set a temperature"});
  }
  decoding.validate();
  for (const int64_t id : decoding.stop_ids) {
    if (id >= 0 && id < vocabulary) continue;
    fail_expected({asked.stop_ids.empty() ? source_ + ": eos_token_id" : "stop_ids",
                   fmt::format("ids of 0 to {}", vocabulary - 1), std::to_string(id)});
  }
  if (decoding.temperature > 0.0) refuse(source_, of_sampling_);
  if (decoding.beams > 1) refuse(source_, of_beams_);
  return decoding;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::generate
