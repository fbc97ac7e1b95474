#include "train/same_start.h"

#include <algorithm>
#include <map>
#include <optional>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "train/content_hash.h"
#include "train/resume.h"

namespace ccexpert::train {
namespace {

using nlohmann::json;

/// Names with values or checksums, in the same order on every rank.
using Items = std::vector<std::pair<std::string, std::string>>;

std::string to_text(const Items& items) {
  return json(items).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Difference of a rank's items from rank 0's.
struct Difference {
  int rank = 0;
  std::string name;
  std::string first = "nothing";  ///< value on rank 0
  std::string own = "nothing";
  size_t others = 0;  ///< number of other names that differ on this rank
};

Difference difference(const Items& first, const Items& own) {
  Difference found;
  const std::map<std::string, std::string> theirs(first.begin(), first.end()), ours(own.begin(), own.end());
  size_t count = 0;
  const auto note = [&](const std::string& name) {
    const auto in_first = theirs.find(name), in_own = ours.find(name);
    const bool both = in_first != theirs.end() && in_own != ours.end();
    if (both && in_first->second == in_own->second) return;
    if (++count > 1) return;
    found.name = name;
    if (in_first != theirs.end()) found.first = in_first->second;
    if (in_own != ours.end()) found.own = in_own->second;
  };
  for (const auto& [name, value] : first) note(name);
  for (const auto& [name, value] : own) {
    if (!theirs.contains(name)) note(name);
  }
  found.others = count > 0 ? count - 1 : 0;
  return found;
}

/// Returns, on all ranks, the lowest rank that differs from rank 0. Texts are sent only if checksums differ.
std::optional<Difference> lowest_difference(const Items& own, distributed::Communicator& communicator) {
  const auto text = to_text(own);
  ContentHash hash;
  hash.add_text(text);
  const auto sums = communicator.gather_text(hash.hex());
  const auto differs =
      std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum != sums[0]; });
  if (differs == sums.end()) return std::nullopt;
  const auto rank = static_cast<size_t>(differs - sums.begin());
  const bool shows = communicator.rank() == 0 || communicator.rank() == static_cast<int>(rank);
  const auto texts = communicator.gather_text(shows ? text : "");
  const auto items_of = [&](size_t which) {
    return parse_json(texts[which], fmt::format("rank {}", which)).get<Items>();
  };
  auto found = difference(items_of(0), items_of(rank));
  found.rank = static_cast<int>(rank);
  return found;
}

Items config_items(const std::vector<TrainConfig>& stages) {
  Items items{{"number of stages", std::to_string(stages.size())}};
  for (const auto& stage : stages) {
    const auto prefix = stages.size() > 1 ? stage.name + ": " : std::string();
    for (const auto& [key, value] : config_values(to_yaml_text(stage), "config"))
      items.emplace_back(prefix + key, "'" + value + "'");
  }
  return items;
}

std::string sum_of(const at::Tensor& tensor) {
  const auto values = tensor.detach().to(at::kCPU).contiguous();
  ContentHash hash;
  hash.add_text(fmt::format("{} {}", static_cast<int>(values.scalar_type()), fmt::join(values.sizes(), " ")));
  hash.add(values.const_data_ptr(), values.nbytes());
  return hash.hex();
}

std::string sum_of(const std::string& text) {
  ContentHash hash;
  hash.add_text(text);
  return hash.hex();
}

std::string sum_of(const std::vector<data::ChangeExample>& pairs) {
  ContentHash hash;
  for (const auto& pair : pairs) {
    hash.add_text(pair.uid);
    for (const auto* path :
         {&pair.before, &pair.after, &pair.mask, &pair.classes_before, &pair.classes_after})
      hash.add_text(path->native());
    for (const auto& caption : pair.captions) hash.add_text(caption);
    hash.add_text(
        fmt::format("{} {} {}", pair.captions.size(), pair.repeat,
                    static_cast<int>(pair.changed.value_or(false)) - static_cast<int>(!pair.changed)));
  }
  return hash.hex();
}

Items model_items(const RunModel& run) {
  Items items{{"config.json", sum_of(run.config_json)}};
  for (const auto& companion : run.companions) items.emplace_back(companion.name, sum_of(companion.bytes));
  for (const auto& item : run.model->named_parameters()) items.emplace_back(item.key(), sum_of(item.value()));
  if (!run.heads) return items;
  for (const auto& item : run.heads->named_parameters())
    items.emplace_back("auxiliary." + item.key(), sum_of(item.value()));
  return items;
}

void expect_same_pairs(const char* key, const std::vector<data::ChangeExample>& pairs,
                       distributed::Communicator& communicator) {
  const auto found =
      lowest_difference({{"number", std::to_string(pairs.size())}, {"content", sum_of(pairs)}}, communicator);
  if (!found) return;
  const bool count = found->name == "number";
  fail_expected({fmt::format("rank {}: {}", found->rank, key),
                 count ? fmt::format("{} pairs, as on rank 0", found->first) : "the pairs of rank 0",
                 count ? found->own : "the same number of other pairs"});
}

}  // namespace

void expect_same_config(const std::vector<TrainConfig>& stages, distributed::Communicator& communicator) {
  const auto found = lowest_difference(config_items(stages), communicator);
  if (!found) return;
  fail_expected({fmt::format("rank {}: {}", found->rank, found->name), found->first + ", as on rank 0",
                 found->own,
                 found->others > 0 ? fmt::format("{} other keys differ too", found->others) : std::string()});
}

void expect_same_start(const Start& start, distributed::Communicator& communicator) {
  if (communicator.size() == 1) return;
  if (const auto found = lowest_difference(model_items(start.run), communicator)) {
    fail_expected({fmt::format("rank {}: model.start", found->rank), "what rank 0 starts from",
                   fmt::format("another {}", found->name),
                   found->others > 0 ? fmt::format("{} other parameters or files differ too", found->others)
                                     : std::string()});
  }
  expect_same_pairs("data.train", start.training, communicator);
  expect_same_pairs("data.validation", start.validation, communicator);
}

}  // namespace ccexpert::train
