#include "train/saved_state.h"

#include <algorithm>
#include <set>
#include <string>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "train/flat_layout.h"
#include "train/manifest.h"

namespace ccexpert::train {

using nlohmann::json;

json buckets_json(const ShardedAdamW& optimizer) {
  json buckets = json::array();
  for (const auto& bucket : optimizer.layout()) {
    buckets.push_back({{"elements", bucket.elements}, {"names", bucket.names}});
  }
  return buckets;
}

SavedState::SavedState(const std::filesystem::path& folder, const json& trainer,
                       const ShardedAdamW& optimizer)
    : folder_(folder), layout_(optimizer.layout()), saved_buckets_(layout_.size()) {
  expect_parameters(trainer, optimizer);
  open_files(trainer);
  expect_dtype(optimizer);
}

void SavedState::expect_parameters(const json& trainer, const ShardedAdamW& optimizer) {
  const auto buckets = trainer.value("buckets", json());
  if (buckets == buckets_json(optimizer)) return;
  const auto by_blocks = trainer.find(kByBlocks);
  const bool saved_by_blocks = by_blocks != trainer.end() && *by_blocks == true;
  if ((saved_by_blocks || optimizer.shards_weights()) && find_places(buckets)) return;
  fail((folder_ / kTrainerFile).string(), "the optimiser's state belongs to other parameters",
       "optimizer.parameters, model.dtype, distributed.bucket_mb and the version of ccexpert must be those "
       "of the run");
}

/// Finds the parameters in other buckets with the same parameters; returns false if they are not the same.
bool SavedState::find_places(const json& buckets) {
  std::map<std::string, int64_t> sizes;
  for (const auto& bucket : layout_) {
    for (size_t p = 0; p < bucket.names.size(); ++p) sizes[bucket.names[p]] = bucket.sizes[p];
  }
  if (!buckets.is_array()) return false;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const auto names = buckets[i].is_object() ? buckets[i].value("names", json()) : json();
    if (!names.is_array()) return false;
    FlatLayout flat;
    for (const auto& name : names) {
      const auto size = name.is_string() ? sizes.find(name.get<std::string>()) : sizes.end();
      if (size == sizes.end()) return false;
      flat.place(size->second);
      places_[size->first] = {i, flat.offsets.back()};
    }
    if (buckets[i].value("elements", json()) != flat.elements) return false;
  }
  saved_buckets_ = buckets.size();
  return places_.size() == sizes.size();
}

void SavedState::open_files(const json& trainer) {
  const auto found = trainer.find("files");
  if (found == trainer.end() || !found->is_array())
    fail_expected({(folder_ / kTrainerFile).string() + ": files", "a list",
                   found == trainer.end() ? "none" : json_shown(*found)});
  for (const auto& item : *found) files_.push_back(open_file(item));
}

/// Throws Error if the files have float32 weights that the optimiser lacks, or the other way round.
void SavedState::expect_dtype(const ShardedAdamW& optimizer) const {
  if (files_.empty()) return;
  std::set<std::string> own;
  for (const auto& part : optimizer.state()) own.insert(part.name);
  for (size_t i = 0; i < layout_.size(); ++i) {
    const auto saved = places_.empty() ? i : places_.at(layout_[i].names.front()).bucket;
    const bool has_master = files_.front().tensors->find(fmt::format("bucket{}.weights", saved)) != nullptr;
    if (has_master == own.contains(fmt::format("bucket{}.weights", i))) continue;
    fail((folder_ / kTrainerFile).string(), "the optimiser's state belongs to another model.dtype",
         "model.dtype must be that of the run");
  }
}

/// Throws Error if `item` is not {"file": name, "ranges": [[begin, end] of each bucket]}.
SavedState::File SavedState::open_file(const json& item) const {
  const auto source = (folder_ / kTrainerFile).string();
  if (!item.is_object()) fail_expected({source + ": files", "objects", json_shown(item)});
  const auto name = json_value(item, "file", std::string(), source);
  expect_file_name(name, source);
  const auto ranges = item.value("ranges", json());
  if (!ranges.is_array() || ranges.size() != saved_buckets_)
    fail_expected(
        {source + ": ranges", fmt::format("{} pairs of numbers", saved_buckets_), json_shown(ranges)});
  File file{io::open_safetensors(folder_ / name), {}};
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

at::Tensor SavedState::read(const Range& range, const std::string& part) const {
  if (places_.empty()) return assemble(range, part);
  auto result = at::zeros({range.end - range.begin}, at::kFloat);
  const auto& bucket = layout_[range.bucket];
  for (size_t p = 0; p < bucket.names.size(); ++p) {
    const int64_t first = bucket.offsets[p];
    const int64_t from = std::max(first, range.begin), to = std::min(first + bucket.sizes[p], range.end);
    if (from >= to) continue;
    const auto& place = places_.at(bucket.names[p]);
    result.slice(0, from - range.begin, to - range.begin)
        .copy_(assemble({place.bucket, place.offset + from - first, place.offset + to - first}, part));
  }
  return result;
}

/// Assembles a part of a saved bucket from all files that contain some of it.
at::Tensor SavedState::assemble(const Range& range, const std::string& part) const {
  const auto [bucket, begin, end] = range;
  auto result = at::empty({end - begin}, at::kFloat);
  int64_t filled = 0;
  const auto name = fmt::format("bucket{}.{}", bucket, part);
  for (const auto& file : files_) {
    const auto [first, last] = file.ranges[bucket];
    const int64_t from = std::max(first, begin), to = std::min(last, end);
    if (from >= to) continue;
    const auto part_of_file = file.tensors->tensor(name);
    if (part_of_file.dim() != 1 || part_of_file.numel() != last - first)
      fail_expected({fmt::format("{}: {}", folder_.string(), name), fmt::format("{} elements", last - first),
                     std::to_string(part_of_file.numel())});
    result.slice(0, from - begin, to - begin).copy_(part_of_file.slice(0, from - first, to - first));
    file.tensors->release(name);
    filled += to - from;
  }
  if (filled != end - begin) {
    fail_expected({fmt::format("{}: {}", folder_.string(), name), fmt::format("{} elements", end - begin),
                   std::to_string(filled)});
  }
  return result;
}

}  // namespace ccexpert::train
