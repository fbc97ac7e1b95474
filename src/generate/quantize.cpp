#include "generate/shared/quantize.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/generate/loaded_model.h>
#include <ccexpert/model/weight_layouts.h>

#include "core/change_calibration.h"
#include "core/files.h"
#include "core/folder_entries.h"
#include "core/json.h"
#include "generate/prompt_start.h"
#include "generate/sample_errors.h"
#include "generate/shared/checkpoint_texts.h"
#include "model/shared/adapter.h"
#include "model/shared/int8_errors.h"
#include "model/shared/int8_model.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {
namespace {

/// Returns the config.json in the authors' layout, whose names the tensors have.
std::string quantized_config(const model::ModelConfig& model, const io::Checkpoint& checkpoint,
                             model::BlockWeights blocks, bool has_prefix) {
  auto config =
      parse_json(with_int8_note(model::model_config_json(model, checkpoint.config_json)), "config.json");
  auto& note = config[fmt::format("{}quantization", model::kOwnKeyPrefix)];
  if (has_prefix) note["prompt_prefix"] = kPrefixFile;
  if (blocks == model::BlockWeights::kInt4)
    note["decoder_blocks"] = "int4, one scale for each 32 inputs of an output; activations are not rounded";
  return config.dump(2) + "\n";
}

void expect_two_folders(const std::filesystem::path& checkpoint, const std::filesystem::path& to) {
  std::error_code code;
  if (std::filesystem::equivalent(checkpoint, to, code)) {
    fail_expected({"quantised model", "a folder other than the checkpoint's", to.string()});
  }
}

/// Returns the files beside the weights, with the calibration of scores: they are the same up to rounding.
std::vector<io::CompanionFile> companions_of(const std::filesystem::path& folder) {
  auto companions = io::read_companions(folder);
  const auto scores = folder / kChangeScoreFile;
  if (is_there(scores))
    companions.push_back({.name = scores.filename().string(), .bytes = read_file(scores)});
  return companions;
}

/// Tensors to write, with the errors of the matrices among them.
struct Quantized {
  std::vector<io::NamedTensor> tensors;
  std::vector<MatrixError> errors;
};

Quantized quantize(const io::TensorSource& source, const model::ModelConfig& config,
                   const QuantizeRequest& request) {
  const auto& progress = request.progress;
  const auto matrices = model::quantized_matrices(config, request.blocks);
  const model::Int8Source int8(source, matrices);
  const auto contract = model::int8_contract(config, source, request.blocks);
  Quantized result;
  for (const auto& expected : contract) {
    const auto& name = expected.name;
    if (int8.find(name) == nullptr) fail(source.tensors().front().file, "lacks the tensor " + name);
    result.tensors.push_back({name, int8.tensor(name)});
    if (matrices.int8.contains(name)) {
      result.errors.push_back({name, model::int8_weight_error(source.tensor(name)), {}});
    } else if (matrices.int4.contains(name)) {
      result.errors.push_back({name, model::int4_weight_error(source.tensor(name)), {}});
    }
    int8.release(name);
    if (progress) progress(std::ssize(result.tensors), std::ssize(contract));
  }
  return result;
}

}  // namespace

QuantizeReport quantize_checkpoint(const QuantizeRequest& request) {
  return runtime::with_one_error_type("use fewer sample pairs", [&] {
    model::expect_no_adapter_in(request.to);
    OpenedModel opened{.checkpoint = model::open_model_checkpoint(request.from)};
    const auto& checkpoint = opened.checkpoint;
    expect_two_folders(checkpoint.folder, request.to);
    expect_free_folder(request.to);
    const auto source = (checkpoint.folder / "config.json").string();
    opened.config = model::parse_model_config(checkpoint.config_json, source);
    const auto& config = opened.config;
    if (model::is_int8(*checkpoint.weights)) {
      fail_expected({request.from.string(), "a floating-point checkpoint", "one of int8 weights"});
    }
    const auto start = prompt_start(opened, read_model_settings(texts_of(checkpoint), config));
    const auto measured = sample_errors(checkpoint, config, request, start);
    auto quantized = quantize(*checkpoint.weights, config, request);
    for (auto& error : quantized.errors) {
      if (const auto found = measured.outputs.find(error.name); found != measured.outputs.end())
        error.output = found->second;
    }
    if (start) write_prefix(request.to, start->prefix);
    io::write_checkpoint(
        {.folder = request.to,
         .config_json = quantized_config(config, checkpoint, request.blocks, start.has_value()),
         .tensors = std::move(quantized.tensors),
         .companions = companions_of(checkpoint.folder),
         .shard_bytes = static_cast<int64_t>(request.shard_mb * 1e6)});
    return QuantizeReport{std::move(quantized.errors), measured.logits, measured.bfloat16_logits};
  });
}

}  // namespace ccexpert::generate
