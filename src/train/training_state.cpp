#include "train/training_state.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "train/agreement.h"
#include "train/manifest.h"
#include "train/run_folder.h"
#include "train/run_model.h"
#include "train/saved_state.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kConfigFile = "config.yaml";

std::string optimizer_file(int rank, int ranks) {
  return fmt::format("optimizer-{:05}-of-{:05}.safetensors", rank, ranks);
}

/// Returns [begin, end] of each bucket's shard, for exchange between ranks.
json ranges_of(const ShardedAdamW& optimizer) {
  json ranges = json::array();
  for (const auto& bucket : optimizer.layout()) ranges.push_back({bucket.begin, bucket.end});
  return ranges;
}

json progress_json(const Progress& progress) {
  json object{{"step", progress.step},
              {"updates", progress.updates},
              {"samples", progress.samples},
              {"epoch_samples", progress.epoch_samples},
              {"pairs", progress.pairs},
              {"skipped_updates", progress.skipped_updates},
              {"skipped_samples", progress.skipped_samples},
              {"evaluated", progress.evaluated},
              {"metric", progress.metric},
              {"best_step", progress.best_step},
              {"epoch", progress.position.epoch},
              {"batch", progress.position.batch}};
  object["best"] = progress.best ? json(*progress.best) : json();
  return object;
}

Progress to_progress(const json& object, const std::string& source) {
  if (!object.is_object()) fail_expected({source + ": progress", "an object", json_shown(object)});
  Progress progress;
  const auto count = [&](const char* key) {
    const auto value = json_value(object, key, int64_t{0}, source);
    if (value < 0) fail_expected({source + ": " + key, "at least 0", std::to_string(value)});
    return value;
  };
  progress.step = count("step");
  progress.updates = count("updates");
  progress.samples = count("samples");
  progress.epoch_samples = count("epoch_samples");
  progress.pairs = json_value(object, "pairs", std::string(), source);
  progress.skipped_updates = count("skipped_updates");
  progress.skipped_samples = count("skipped_samples");
  progress.evaluated = count("evaluated");
  progress.metric = json_value(object, "metric", std::string(), source);
  progress.best_step = count("best_step");
  progress.position = {count("epoch"), count("batch")};
  if (object.contains("best") && object["best"].is_number()) progress.best = object["best"].get<double>();
  return progress;
}

std::vector<io::NamedTensor> weights_of(model::CcexpertModel& model) {
  std::vector<io::NamedTensor> tensors;
  for (const auto& weight : model::weight_contract(model)) tensors.push_back({weight.name, weight.target});
  return tensors;
}

/// Returns manifest entries of the files that this rank wrote.
std::vector<ManifestEntry> entries_of(const std::vector<fs::path>& files) {
  std::vector<ManifestEntry> entries;
  for (const auto& file : files) entries.push_back(manifest_entry(file));
  return entries;
}

/// Writes this rank's shard of the optimiser's state into the unfinished folder and returns its file.
std::vector<fs::path> write_state(const fs::path& folder, const ShardedAdamW& optimizer,
                                  const distributed::Communicator& communicator) {
  if (!optimizer.writes_state()) return {};
  const auto file = folder / optimizer_file(communicator.rank(), communicator.size());
  io::write_safetensors(file, optimizer.state());
  return {file};
}

/// Writes this rank's share of the model's files, and returns them.
std::vector<fs::path> write_model(const fs::path& folder, model::CcexpertModel& model,
                                  const CheckpointTexts& texts,
                                  const distributed::Communicator& communicator) {
  std::vector<fs::path> files;
  auto tensors = weights_of(model);
  tensors.insert(tensors.end(), texts.for_others.begin(), texts.for_others.end());
  io::WholeTensor whole;
  if (texts.shards != nullptr) whole = [&](const at::Tensor& tensor) { return texts.shards->whole(tensor); };
  const auto model_files = io::write_checkpoint({.folder = folder,
                                                 .config_json = texts.config_json,
                                                 .tensors = std::move(tensors),
                                                 .companions = texts.companions,
                                                 .layout = model::weight_layout(texts.layout),
                                                 .part = communicator.rank(),
                                                 .parts = communicator.size(),
                                                 .whole = whole});
  files.insert(files.end(), model_files.begin(), model_files.end());
  if (communicator.rank() == 0) {
    if (!texts.auxiliary.empty()) {
      files.push_back(folder / kAuxiliaryFile);
      io::write_safetensors(files.back(), texts.auxiliary);
    }
    if (!texts.adapter.tensors.empty()) {
      files.push_back(folder / model::kAdapterWeightsFile);
      io::write_safetensors(files.back(), texts.adapter.tensors);
      files.push_back(folder / model::kAdapterConfigFile);
      write_file(files.back(), texts.adapter.config_json);
    }
    files.push_back(folder / kConfigFile);
    write_file(files.back(), texts.config_yaml);
  }
  return files;
}

}  // namespace

void write_training_state(const fs::path& folder, model::CcexpertModel& model, const ShardedAdamW& optimizer,
                          const Progress& progress, const CheckpointTexts& texts,
                          distributed::Communicator& communicator) {
  const bool leads = communicator.rank() == 0;
  const auto unfinished = unfinished_checkpoint(folder);
  on_all_ranks(communicator, [&] {
    if (!leads) return;
    fs::remove_all(unfinished);
    fs::create_directories(unfinished);
  });
  std::vector<ManifestEntry> own;
  on_all_ranks(communicator, [&] { own = entries_of(write_state(unfinished, optimizer, communicator)); });
  on_all_ranks(communicator, [&] {
    const auto written = entries_of(write_model(unfinished, model, texts, communicator));
    own.insert(own.end(), written.begin(), written.end());
  });
  json self{{"lines", to_lines(own)}};
  if (optimizer.writes_state()) {
    self["file"] = optimizer_file(communicator.rank(), communicator.size());
    self["ranges"] = ranges_of(optimizer);
  }
  const auto all = gather_json(communicator, self, "files of a rank");
  on_all_ranks(communicator, [&] {
    if (!leads) return;
    std::vector<ManifestEntry> entries;
    json files = json::array();
    for (const auto& rank : all) {
      for (auto& entry : from_lines(rank["lines"])) entries.push_back(std::move(entry));
      if (rank.contains("file")) files.push_back({{"file", rank["file"]}, {"ranges", rank["ranges"]}});
    }
    json trainer{
        {"progress", progress_json(progress)}, {"buckets", buckets_json(optimizer)}, {"files", files}};
    if (optimizer.shards_weights()) trainer[kByBlocks] = true;
    write_file(unfinished / kTrainerFile, trainer.dump(1) + "\n");
    entries.push_back(manifest_entry(unfinished / kTrainerFile));
    write_manifest(unfinished, entries);
    // A run that resumed from an older step may reach this step again.
    replace_checkpoint(unfinished, folder);
  });
}

void verify_training_state(const fs::path& folder, int part, int parts) {
  const auto names = verify_manifest(folder, part, parts);
  for (const std::string_view start : {kTrainerFile, "config.json", "model", "optimizer-"}) {
    const bool there =
        std::any_of(names.begin(), names.end(), [&](const auto& name) { return name.starts_with(start); });
    if (!there)
      fail_expected({(folder / kManifestFile).string(), fmt::format("{} among its files", start), "none"});
  }
}

Progress read_training_state(const fs::path& folder, ShardedAdamW& optimizer) {
  const auto path = folder / kTrainerFile;
  const auto trainer = parse_json(read_file(path), path.string());
  if (!trainer.is_object()) fail_expected({path.string(), "an object", json_shown(trainer)});
  const SavedState state(folder, trainer, optimizer);
  auto progress = to_progress(trainer.value("progress", json()), path.string());
  optimizer.restore(progress.updates,
                    [&](size_t bucket, const std::string& part, int64_t begin, int64_t end) {
                      return state.read({bucket, begin, end}, part);
                    });
  return progress;
}

}  // namespace ccexpert::train
