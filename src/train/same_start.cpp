#include "train/same_start.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/weights.h>

#include "train/agreement.h"
#include "train/content_hash.h"
#include "train/resume.h"

namespace ccexpert::train {
namespace {

KeyValues stage_values(const std::vector<TrainConfig>& stages) {
  KeyValues items{{"number of stages", std::to_string(stages.size())}};
  for (const auto& stage : stages) {
    const auto prefix = stages.size() > 1 ? stage.name + ": " : std::string();
    for (const auto& [key, value] : config_values(to_yaml_text(stage), "config"))
      items.emplace_back(prefix + key, "'" + value + "'");
  }
  return items;
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

KeyValues model_values(const RunModel& run) {
  KeyValues items{{"config.json", sum_of(run.config_json)}};
  for (const auto& companion : run.companions) items.emplace_back(companion.name, sum_of(companion.bytes));
  if (run.shards) {
    items.insert(items.end(), run.stored_sums.begin(), run.stored_sums.end());
    return items;
  }
  for (const auto& weight : model::weight_contract(*run.model))
    items.emplace_back(weight.name, content_hash(weight.target));
  for (const auto& own : model::lora_parameters(run.lora))
    items.emplace_back(own.name, content_hash(own.tensor));
  if (!run.heads) return items;
  for (const auto& item : run.heads->named_parameters())
    items.emplace_back("auxiliary." + item.key(), content_hash(item.value()));
  return items;
}

void expect_same_pairs(const char* key, const std::vector<data::ChangeExample>& pairs,
                       distributed::Communicator& communicator) {
  const auto found = difference_between_ranks(
      communicator, {{"number", std::to_string(pairs.size())}, {"content", sum_of(pairs)}});
  if (!found) return;
  const bool count = found->key == "number";
  fail_expected({found->subject(key),
                 count ? fmt::format("{} pairs, as on rank 0", found->first) : "the pairs of rank 0",
                 count ? found->own : "the same number of other pairs"});
}

}  // namespace

void expect_same_config(const std::vector<TrainConfig>& stages, distributed::Communicator& communicator) {
  const auto found = difference_between_ranks(communicator, stage_values(stages));
  if (!found) return;
  fail_expected({found->subject(found->key), found->first + ", as on rank 0", found->own,
                 found->others > 0 ? fmt::format("{} other keys differ too", found->others) : std::string()});
}

void expect_same_start(const Start& start, distributed::Communicator& communicator) {
  if (communicator.size() == 1) return;
  if (const auto found = difference_between_ranks(communicator, model_values(start.run))) {
    fail_expected({found->subject("model.start"), "what rank 0 starts from",
                   fmt::format("another {}", found->key),
                   found->others > 0 ? fmt::format("{} other parameters or files differ too", found->others)
                                     : std::string()});
  }
  expect_same_pairs("data.train", start.training, communicator);
  expect_same_pairs("data.validation", start.validation, communicator);
}

}  // namespace ccexpert::train
