#include "train/training_state.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/weight_layouts.h>

#include "core/files.h"
#include "core/json.h"
#include "train/agreement.h"
#include "train/manifest.h"
#include "train/run_folder.h"
#include "train/run_model.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kTrainerFile = "trainer.json";
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

json layout_json(const ShardedAdamW& optimizer) {
  json buckets = json::array();
  for (const auto& bucket : optimizer.layout()) {
    buckets.push_back({{"elements", bucket.elements}, {"names", bucket.names}});
  }
  return buckets;
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

std::vector<io::NamedTensor> parameters_of(const model::CcexpertModel& model) {
  std::vector<io::NamedTensor> tensors;
  for (const auto& item : model.named_parameters()) tensors.push_back({item.key(), item.value().detach()});
  return tensors;
}

/// Returns manifest entries of the files that this rank wrote.
std::vector<ManifestEntry> entries_of(const std::vector<fs::path>& files) {
  std::vector<ManifestEntry> entries;
  for (const auto& file : files) entries.push_back(manifest_entry(file));
  return entries;
}

/// State file of one rank with elements [begin,end) of each bucket.
struct StateFile {
  std::unique_ptr<io::TensorSource> tensors;
  std::vector<std::pair<int64_t, int64_t>> ranges;
};

/// Throws Error if `item` is not {"file": name, "ranges": [[begin, end] of each bucket]}.
StateFile open_state_file(const fs::path& folder, const json& item, const ShardedAdamW& optimizer) {
  const auto source = (folder / kTrainerFile).string();
  if (!item.is_object()) fail_expected({source + ": files", "objects", json_shown(item)});
  const auto name = json_value(item, "file", std::string(), source);
  expect_file_name(name, source);
  const auto ranges = item.value("ranges", json());
  if (!ranges.is_array() || ranges.size() != optimizer.layout().size())
    fail_expected({source + ": ranges", fmt::format("{} pairs of numbers", optimizer.layout().size()),
                   json_shown(ranges)});
  StateFile file{io::open_safetensors(folder / name), {}};
  for (const auto& range : ranges) {
    const bool numbers =
        range.is_array() && range.size() == 2 && range[0].is_number_integer() && range[1].is_number_integer();
    const auto begin = numbers ? range[0].get<int64_t>() : -1, end = numbers ? range[1].get<int64_t>() : -1;
    if (begin < 0 || begin > end)
      fail_expected({source + ": ranges", "begin and end of a part", json_shown(range)});
    file.ranges.emplace_back(begin, end);
  }
  return file;
}

std::vector<StateFile> open_state_files(const fs::path& folder, const json& trainer,
                                        const ShardedAdamW& optimizer) {
  const auto found = trainer.find("files");
  if (found == trainer.end() || !found->is_array())
    fail_expected({(folder / kTrainerFile).string() + ": files", "a list",
                   found == trainer.end() ? "none" : json_shown(*found)});
  std::vector<StateFile> files;
  for (const auto& item : *found) files.push_back(open_state_file(folder, item, optimizer));
  return files;
}

/// Assembles elements [begin,end) of a bucket's part from all files that contain some of them.
at::Tensor assemble(const std::vector<StateFile>& files, size_t bucket, const std::string& part,
                    int64_t begin, int64_t end, const std::string& source) {
  auto result = at::empty({end - begin}, at::kFloat);
  int64_t filled = 0;
  const auto name = fmt::format("bucket{}.{}", bucket, part);
  for (const auto& file : files) {
    const auto [first, last] = file.ranges[bucket];
    const int64_t from = std::max(first, begin), to = std::min(last, end);
    if (from >= to) continue;
    const auto part_of_file = file.tensors->tensor(name);
    if (part_of_file.dim() != 1 || part_of_file.numel() != last - first)
      fail_expected({fmt::format("{}: {}", source, name), fmt::format("{} elements", last - first),
                     std::to_string(part_of_file.numel())});
    result.slice(0, from - begin, to - begin).copy_(part_of_file.slice(0, from - first, to - first));
    file.tensors->release(name);
    filled += to - from;
  }
  if (filled != end - begin) {
    fail_expected({fmt::format("{}: {}", source, name), fmt::format("{} elements", end - begin),
                   std::to_string(filled)});
  }
  return result;
}

/// Writes this rank's files into the unfinished folder and returns them.
std::vector<fs::path> write_own_files(const fs::path& folder, const model::CcexpertModel& model,
                                      const ShardedAdamW& optimizer, const CheckpointTexts& texts,
                                      const distributed::Communicator& communicator) {
  std::vector<fs::path> files;
  const auto state = optimizer.state();
  if (optimizer.writes_state()) {
    files.push_back(folder / optimizer_file(communicator.rank(), communicator.size()));
    io::write_safetensors(files.back(), state);
  }
  auto tensors = parameters_of(model);
  tensors.insert(tensors.end(), texts.for_others.begin(), texts.for_others.end());
  const auto model_files = io::write_checkpoint({.folder = folder,
                                                 .config_json = texts.config_json,
                                                 .tensors = std::move(tensors),
                                                 .companions = texts.companions,
                                                 .layout = model::weight_layout(texts.layout),
                                                 .part = communicator.rank(),
                                                 .parts = communicator.size()});
  files.insert(files.end(), model_files.begin(), model_files.end());
  if (communicator.rank() == 0) {
    if (!texts.auxiliary.empty()) {
      files.push_back(folder / kAuxiliaryFile);
      io::write_safetensors(files.back(), texts.auxiliary);
    }
    files.push_back(folder / kConfigFile);
    write_file(files.back(), texts.config_yaml);
  }
  return files;
}

}  // namespace

void write_training_state(const fs::path& folder, const model::CcexpertModel& model,
                          const ShardedAdamW& optimizer, const Progress& progress,
                          const CheckpointTexts& texts, distributed::Communicator& communicator) {
  const bool leads = communicator.rank() == 0;
  const auto unfinished = unfinished_checkpoint(folder);
  on_all_ranks(communicator, [&] {
    if (!leads) return;
    fs::remove_all(unfinished);
    fs::create_directories(unfinished);
  });
  std::vector<ManifestEntry> own;
  on_all_ranks(communicator,
               [&] { own = entries_of(write_own_files(unfinished, model, optimizer, texts, communicator)); });
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
    const json trainer{
        {"progress", progress_json(progress)}, {"buckets", layout_json(optimizer)}, {"files", files}};
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
  if (trainer.value("buckets", json()) != layout_json(optimizer)) {
    fail(path.string(), "the optimiser's state belongs to other parameters",
         "optimizer.parameters, model.dtype, distributed.bucket_mb and the version of ccexpert must be those "
         "of the run");
  }
  auto progress = to_progress(trainer.value("progress", json()), path.string());
  const auto files = open_state_files(folder, trainer, optimizer);
  optimizer.restore(progress.updates,
                    [&](size_t bucket, const std::string& part, int64_t begin, int64_t end) {
                      return assemble(files, bucket, part, begin, end, folder.string());
                    });
  return progress;
}

}  // namespace ccexpert::train
