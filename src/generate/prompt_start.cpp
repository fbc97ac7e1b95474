#include "generate/prompt_start.h"

#include <algorithm>
#include <memory>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/io/safetensors.h>

#include "core/json.h"
#include "core/printable.h"
#include "model/shared/int8_model.h"

namespace ccexpert::generate {
namespace {

namespace fs = std::filesystem;

std::string shape_text(at::ScalarType type, at::IntArrayRef shape) {
  return fmt::format("{} [{}]", at::toString(type), fmt::join(shape, ","));
}

/// File of a prefix.
struct PrefixFile {
  std::string path;
  std::unique_ptr<io::TensorSource> source;
};

PrefixFile open_prefix(const fs::path& path) {
  PrefixFile file{path.string(), io::open_safetensors(path)};
  std::vector<std::string> names;
  for (const auto& info : file.source->tensors()) names.push_back(info.name);
  if (names != std::vector<std::string>{"ids", "keys", "values"})
    fail_expected({file.path, "the tensors ids, keys and values", first_few(names)});
  return file;
}

/// Returns a tensor of the file. `shape`: -1 for any size.
at::Tensor read_tensor(const PrefixFile& file, const std::string& name, at::ScalarType type,
                       const std::vector<int64_t>& shape) {
  const auto& info = *file.source->find(name);
  const auto fits = [](int64_t has, int64_t wants) { return wants < 0 ? has > 0 : has == wants; };
  if (info.dtype != type || !std::ranges::equal(info.shape, shape, fits))
    fail_expected({fmt::format("{}: {}", file.path, name), shape_text(type, shape),
                   shape_text(info.dtype, info.shape)});
  return file.source->tensor(name).clone();
}

std::vector<int64_t> read_ids(const PrefixFile& file, int64_t vocabulary) {
  const auto ids = read_tensor(file, "ids", at::kLong, {-1});
  const auto* first = ids.const_data_ptr<int64_t>();
  std::vector<int64_t> numbers(first, first + ids.numel());
  const auto wrong = std::ranges::find_if(numbers, [&](int64_t id) { return id < 0 || id >= vocabulary; });
  if (wrong != numbers.end())
    fail_expected({file.path + ": ids", fmt::format("0 to {}", vocabulary - 1), std::to_string(*wrong)});
  return numbers;
}

at::Tensor read_values(const PrefixFile& file, const std::string& name, const std::vector<int64_t>& shape) {
  auto values = read_tensor(file, name, at::kFloat, shape);
  if (!at::isfinite(values).all().item<bool>())
    fail_expected({fmt::format("{}: {}", file.path, name), "finite numbers", "NaN or infinity"});
  return values;
}

/// Returns the name of the prefix's file in config.json; empty: none.
std::string prefix_file(const io::Checkpoint& checkpoint) {
  const auto source = (checkpoint.folder / "config.json").string();
  const auto config = parse_json(checkpoint.config_json, source);
  const auto key = std::string(model::kOwnKeyPrefix) + "quantization";
  const auto note = config.find(key);
  if (note == config.end() || !note->is_object()) return {};
  auto name = json_value(*note, "prompt_prefix", std::string(), source);
  if (!name.empty() && name != kPrefixFile)
    fail_expected({fmt::format("{}: {}.prompt_prefix", source, key), kPrefixFile, name});
  return name;
}

}  // namespace

std::vector<int64_t> PromptStart::lengths(const std::vector<std::vector<int64_t>>& prompts) const {
  std::vector<int64_t> lengths;
  for (const auto& prompt : prompts) lengths.push_back(model::common_start(prefix, prompt));
  return lengths;
}

std::string PromptStart::description() const {
  return fmt::format("first {} tokens of prompts in float32{}", prefix.ids.size(),
                     rounded ? " of rounded weights" : "");
}

std::vector<int64_t> tokens_before_images(const ModelSettings& settings) {
  auto ids = text::encode_prompt(*settings.tokenizer, settings.question, settings.prompt);
  ids.erase(std::ranges::find_if(ids, [](int64_t id) { return id < 0; }), ids.end());
  return ids;
}

std::optional<PromptStart> prompt_start(const OpenedModel& opened, const ModelSettings& settings) {
  const auto& decoder = opened.config.decoder;
  const bool rounded = model::is_int8(*opened.checkpoint.weights);
  // The stored prefix is that of the model without an adapter.
  if (rounded && !opened.apart) {
    if (auto stored = read_prefix(opened.checkpoint, decoder)) return PromptStart{std::move(*stored)};
  }
  auto ids = tokens_before_images(settings);
  if (ids.empty()) return std::nullopt;
  const auto* adapter = opened.apart ? &*opened.apart : nullptr;
  return PromptStart{
      model::compute_prompt_prefix(decoder, *opened.checkpoint.weights, adapter, std::move(ids)), rounded};
}

void write_prefix(const fs::path& folder, const model::PromptPrefix& prefix) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) fail_system(folder.string(), "cannot be created", code.value());
  const std::vector<io::NamedTensor> tensors{
      {"ids", at::tensor(prefix.ids, at::kLong)}, {"keys", prefix.keys}, {"values", prefix.values}};
  io::write_safetensors(folder / kPrefixFile, tensors);
}

std::optional<model::PromptPrefix> read_prefix(const io::Checkpoint& checkpoint,
                                               const model::DecoderConfig& decoder) {
  const auto name = prefix_file(checkpoint);
  if (name.empty()) return std::nullopt;
  const auto file = open_prefix(checkpoint.folder / name);
  model::PromptPrefix prefix{.ids = read_ids(file, decoder.vocab_size)};
  const std::vector<int64_t> shape{decoder.num_hidden_layers, decoder.num_key_value_heads,
                                   std::ssize(prefix.ids), decoder.head_width()};
  prefix.keys = read_values(file, "keys", shape);
  prefix.values = read_values(file, "values", shape);
  return prefix;
}

}  // namespace ccexpert::generate
