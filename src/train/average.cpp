#include "train/shared/average.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "core/folder_entries.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "model/shared/adapter.h"
#include "model/shared/int8_model.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

std::vector<double> shares_of(const AverageRequest& request) {
  const size_t count = request.from.size();
  if (count == 0) fail_expected({"average", "at least one checkpoint", "none"});
  if (request.weights.empty()) return std::vector<double>(count, 1.0 / static_cast<double>(count));
  if (request.weights.size() != count)
    fail_expected({"weights", fmt::format("one for each of {} checkpoints", count),
                   std::to_string(request.weights.size())});
  double sum = 0.0;
  for (const double weight : request.weights) {
    if (!(std::isfinite(weight) && weight >= 0.0))
      fail_expected({"weights", "numbers of at least 0", fmt::format("{}", weight)});
    sum += weight;
  }
  if (sum == 0.0)
    fail_expected({"weights", "one above 0", fmt::format("{}", fmt::join(request.weights, ", "))});
  auto shares = request.weights;
  for (auto& share : shares) share /= sum;
  return shares;
}

std::string described(const io::TensorInfo& info) {
  return fmt::format("{} [{}]", at::toString(info.dtype), fmt::join(info.shape, ", "));
}

/// Returns the first few names, for a message.
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 5;
  const auto shown = std::span(names).first(std::min(kMost, names.size()));
  const auto more = names.size() - shown.size();
  return fmt::format("{}{}", fmt::join(shown, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

std::vector<std::string> names_missing_in(const io::TensorSource& source, const io::TensorSource& of) {
  std::vector<std::string> missing;
  for (const auto& info : of.tensors()) {
    if (source.find(info.name) == nullptr) missing.push_back(info.name);
  }
  return missing;
}

void expect_same_tensors(const io::Checkpoint& first, const io::Checkpoint& other) {
  const auto place = other.folder.string();
  const auto like = first.folder.string();
  if (const auto missing = names_missing_in(*other.weights, *first.weights); !missing.empty())
    fail_expected({place, "the tensors of " + like, "none named " + listed(missing)});
  if (const auto extra = names_missing_in(*first.weights, *other.weights); !extra.empty())
    fail_expected({place, "the tensors of " + like, "also " + listed(extra)});
  for (const auto& info : first.weights->tensors()) {
    const auto& found = *other.weights->find(info.name);
    if (found.dtype == info.dtype && found.shape == info.shape) continue;
    fail_expected({fmt::format("{}: tensor {}", place, info.name),
                   fmt::format("{}, as in {}", described(info), like), described(found)});
  }
}

void expect_same_texts(const io::Checkpoint& first, const io::Checkpoint& other) {
  const auto refuse = [&](const std::string& file) {
    fail_expected({(other.folder / file).string(), "the content that it has in " + first.folder.string(),
                   "another", "only checkpoints of one model can be averaged"});
  };
  const auto config = [](const io::Checkpoint& checkpoint) {
    return parse_json(checkpoint.config_json, (checkpoint.folder / "config.json").string());
  };
  if (config(first) != config(other)) refuse("config.json");
  const auto own = io::read_companions(first.folder), others = io::read_companions(other.folder);
  const auto bytes_in = [](const auto& files, const std::string& name) {
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
    return found == files.end() ? std::string() : found->bytes;
  };
  for (const auto* files : {&own, &others}) {
    for (const auto& file : *files) {
      if (bytes_in(own, file.name) != bytes_in(others, file.name)) refuse(file.name);
    }
  }
}

void expect_no_adapter(const fs::path& folder) {
  if (!is_there(folder / model::kAdapterConfigFile)) return;
  fail_expected({folder.string(), "weights without an adapter beside them", "a LoRA adapter",
                 "merge it first, with ccexpert-train --export"});
}

/// Bytes have no average, and a quantised model has parts that depend on its weights.
void expect_floating_weights(const io::Checkpoint& checkpoint) {
  if (!model::is_int8(*checkpoint.weights)) return;
  fail_expected({checkpoint.folder.string(), "weights in floating point", "those of ccexpert-quantize",
                 "quantise the average"});
}

/// Checkpoints of one model, and their shares in the average.
class Average {
 public:
  explicit Average(const AverageRequest& request) : shares_(shares_of(request)) {
    for (const auto& folder : request.from) {
      checkpoints_.push_back(io::open_checkpoint(folder));
      expect_no_adapter(checkpoints_.back().folder);
      expect_floating_weights(checkpoints_.back());
    }
    for (const auto& other : checkpoints_) {
      expect_same_tensors(first(), other);
      expect_same_texts(first(), other);
    }
  }

  const io::Checkpoint& first() const { return checkpoints_.front(); }

  /// Returns the averages, which are computed when they are written. This must outlive them.
  std::vector<io::NamedTensor> tensors() const {
    std::vector<io::NamedTensor> all;
    for (const auto& info : first().weights->tensors()) {
      auto shape = at::empty(info.shape, at::TensorOptions().dtype(info.dtype).device(at::kMeta));
      all.push_back({info.name, std::move(shape), [this, name = info.name] { return mean(name); }});
    }
    return all;
  }

 private:
  at::Tensor mean(const std::string& name) const {
    const auto start = first().weights->tensor(name);
    if (!at::isFloatingType(start.scalar_type())) return same_everywhere(name, start);
    auto sum = at::zeros(start.sizes(), at::kFloat);
    for (size_t i = 0; i < checkpoints_.size(); ++i) {
      const auto& weights = *checkpoints_[i].weights;
      sum.add_(weights.tensor(name), shares_[i]);
      weights.release(name);
    }
    // A single checkpoint keeps its bits, also of float64.
    return checkpoints_.size() == 1 ? start : sum.to(start.scalar_type());
  }

  at::Tensor same_everywhere(const std::string& name, const at::Tensor& start) const {
    for (const auto& other : checkpoints_) {
      if (at::equal(other.weights->tensor(name), start)) continue;
      fail_expected({fmt::format("{}: tensor {}", other.folder.string(), name),
                     "the values that it has in " + first().folder.string(), "others",
                     "whole numbers have no average"});
    }
    return start;
  }

  const std::vector<double> shares_;
  std::vector<io::Checkpoint> checkpoints_;
};

}  // namespace

void average_checkpoints(const AverageRequest& request) try {
  expect_free_folder(request.to);
  const Average average(request);
  auto unfinished = request.to;
  if (!unfinished.has_filename()) unfinished = unfinished.parent_path();
  const auto to = unfinished;
  unfinished += ".unfinished";
  std::error_code code;
  fs::remove_all(unfinished, code);
  try {
    io::write_checkpoint({.folder = unfinished,
                          .config_json = average.first().config_json,
                          .tensors = average.tensors(),
                          .companions = io::read_companions(average.first().folder),
                          .layout = nullptr,
                          .shard_bytes = static_cast<int64_t>(request.shard_mb * 1e6)});
  } catch (...) {
    fs::remove_all(unfinished, code);
    throw;
  }
  fs::rename(unfinished, to, code);
  if (code) fail_system(to.string(), "cannot be created", code.value());
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::train
