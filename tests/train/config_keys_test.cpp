// Every key of a run's file changes something, or is refused.
#include <regex>
#include <set>

#include <ATen/Parallel.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "support/errors.h"
#include "train/join_options.h"
#include "train/run_data.h"
#include "train/run_model.h"
#include "train/shared/plan.h"
#include "train/tiny_base.h"
#include "train/tiny_run.h"
#include "train/trainer.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A key, another value of it, and the config in which its effect is visible.
struct Row {
  const char* key;
  const char* value;
  std::vector<std::string> beside = {};
  const char* refused = nullptr;  ///< part of the error if the value is refused
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.key << "=" << row.value;
}

const std::string kFresh = "model.fresh=true", kValidation = "data.validation=$FOLDER/validation.json",
                  kEvaluates = "evaluation.every_steps=1", kLonger = "evaluation.generation.max_new_tokens=8",
                  kBase = "model.start=$FOLDER/base", kNoExpert = "model.diff_expert=false",
                  kLora = "lora.rank=2", kSamples = "evaluation.generation.temperature=5",
                  kSkips = "data.train=$FOLDER/broken.json", kDraws = "objective=self_critical",
                  kShort = "self_critical.max_new_tokens=4", kRisk = "evaluation.generation.mbr=4";

const Row kRows[] = {
    {"name", "other"},
    {"output", "$FOLDER/elsewhere"},
    {"device", "cuda"},
    {"threads", "2"},
    {"peak_tflops", "100"},
    {"memory_gb", "0.001"},
    {"seed", "7"},
    {"objective", "self_critical"},
    {"model.start", "$FOLDER/none", {}, "expected a checkpoint folder"},
    {"model.fresh", "true"},
    {"model.diff_expert",
     "false",
     {},
     "model.diff_expert: expected true, as the checkpoint has a Diff Expert"},
    {"model.image_newline", "false", {}, "expected true, as nothing follows an image's tokens"},
    {"model.image_newline", "false", {kBase, kNoExpert}},
    {"model.image_size", "98"},
    {"model.image_size", "99999", {}, "model.image_size: vision config: image_size: expected 1 to 16384"},
    {"model.vision_layers", "[-3, -2]", {}, "model.vision_layers: expected ["},
    {"model.per_expert_depth",
     "5",
     {},
     "model.per_expert_depth: expected 2, as the checkpoint's Diff Expert has"},
    {"model.dtype", "bfloat16"},
    {"model.recompute", "false"},
    {"model.init_std", "0.5", {}, "model.init_std: expected 0.02, as the start has all weights, got 0.5"},
    {"model.init_std", "0.05", {kFresh}},
    {"model.flag_init_std", "0.5", {}, "model.flag_init_std: expected 0.02, as the start has all weights"},
    {"model.flag_init_std", "0.5", {kFresh}},
    {"data.train", "$FOLDER/validation.json"},
    {"data.validation", "$FOLDER/validation.json"},
    {"data.image_root", "$FOLDER/none", {"data.train=$FOLDER/relative.json"}},
    {"data.captions", "random_choice"},
    {"data.labels", "caption_only"},
    {"data.question", "What?"},
    {"data.prompt_style", "paper"},
    {"data.max_tokens", "20", {}, "at most 20 tokens"},
    {"data.unreadable", "skip", {kSkips}},
    {"data.workers", "3"},
    {"data.prefetch", "9"},
    {"data.cache_gb", "1"},
    {"batch.global", "6"},
    {"batch.micro", "1"},
    {"batch.epochs", "1"},
    {"batch.max_steps", "1"},
    {"loss.caption", "2"},
    {"loss.mask", "1", {}, "loss.mask: expected 0, or training pairs with mask_path"},
    {"loss.classes", "1", {}, "loss.classes: expected 0, or training pairs with"},
    {"loss.tokens", "1", {}, "loss.tokens: expected 0, or training pairs with"},
    {"loss.class_count", "3", {}, "expected 7, as loss.classes and loss.tokens are 0"},
    {"loss.consensus", "1", {"data.train=$FOLDER/agreeing.json"}},
    {"loss.consensus", "1", {kDraws, kShort}, "expected 0, as objective is self_critical, got 1"},
    {"self_critical.samples", "2", {kDraws, kShort}},
    {"self_critical.samples", "2", {}, "expected 5, as objective is cross_entropy"},
    {"self_critical.metric", "rouge", {kDraws, kShort}},
    {"self_critical.temperature", "0.1", {kDraws, kShort}},
    {"self_critical.max_new_tokens", "2", {kDraws, kShort}},
    {"lora.rank", "2"},
    {"lora.alpha", "4", {kLora}},
    {"lora.alpha", "4", {}, "expected 16, as lora.rank is 0, got 4"},
    {"lora.targets", "[mm_projector.0]", {kLora}},
    {"lora.rslora", "true", {kLora}},
    {"lora.dropout", "0.5", {kLora}, "expected 0, as a resumed run"},
    {"lora.int8_base", "true", {kLora}},
    {"lora.start", "$FOLDER/none", {kLora}, "expected a folder with adapter_config.json, got no folder"},
    {"lora.lr_factor", "10", {kLora}},
    {"lora.weight_decay", "0.5", {kLora}},
    {"optimizer.learning_rate", "1e-4"},
    {"optimizer.schedule", "constant"},
    {"optimizer.warmup_ratio", "0.9"},
    {"optimizer.beta1", "0.1"},
    {"optimizer.beta2", "0.1"},
    {"optimizer.eps", "1"},
    {"optimizer.clip_norm", "0.001"},
    {"optimizer.parameters", "[{pattern: model.mm_projector.*}]"},
    {"optimizer.parameters[].pattern", "[{pattern: none}]", {}, "optimizer.parameters[0].pattern"},
    {"optimizer.parameters[].pattern",
     "[{pattern: model.mm_projector.*}, {}]",
     {},
     "optimizer.parameters[0].pattern: expected a parameter that no later rule matches"},
    {"optimizer.parameters[].lr_factor", "[{lr_factor: 0.1}]"},
    {"optimizer.parameters[].weight_decay", "[{weight_decay: 0.5}]"},
    {"distributed.zero", "0"},
    {"distributed.bucket_mb", "0.1"},
    {"distributed.timeout_seconds", "5"},
    {"distributed.stop_seconds", "5"},
    {"checkpoint.every_steps", "1"},
    {"checkpoint.keep_last", "1", {"checkpoint.every_steps=1"}},
    {"checkpoint.layout", "llava-hf", {}, "expected lmms, as transformers has no class"},
    {"evaluation.every_steps", "1", {kValidation}},
    {"evaluation.every_epoch", "false", {kValidation}},
    {"evaluation.metric", "rouge_l", {kValidation}},
    {"evaluation.max_pairs", "1", {kValidation}},
    {"evaluation.batch_size", "1", {kValidation}},
    {"evaluation.samples", "1", {kValidation}},
    {"evaluation.samples", "1", {}, "expected 4, as data.validation names no pairs"},
    {"evaluation.generation.max_new_tokens", "2", {kValidation}},
    {"evaluation.generation.min_new_tokens",
     "9",
     {kValidation, kLonger},
     "evaluation.generation.min_new_tokens"},
    {"evaluation.generation.beams", "2", {kValidation, kLonger}},
    {"evaluation.generation.length_penalty",
     "2",
     {kValidation},
     "evaluation.generation.length_penalty: expected nothing, as one beam is used, got 2"},
    {"evaluation.generation.do_sample", "true", {kValidation, kLonger}},
    {"evaluation.generation.stop_ids", "[0]", {kValidation}},
    {"evaluation.generation.temperature", "5", {kValidation, kLonger}},
    {"evaluation.generation.top_p", "0.01", {kValidation, kLonger, kSamples}},
    {"evaluation.generation.top_k", "1", {kValidation, kLonger, kSamples}},
    {"evaluation.generation.repetition_penalty", "1000", {kValidation, kLonger}},
    {"evaluation.generation.seed", "7", {kValidation, kLonger, kSamples}},
    {"evaluation.generation.seed",
     "7",
     {kValidation},
     "expected 42, as evaluation.generation does not sample"},
    {"evaluation.generation.mbr", "3", {kValidation, kLonger}},
    {"evaluation.generation.mbr_metric", "rouge", {kValidation, kLonger, kRisk}},
    {"evaluation.generation.mbr_metric", "rouge", {kValidation}, "expected cider, as mbr is 0, got rouge"}};

/// Returns all keys of a section and its subsections.
template <class Section>
void collect(const std::string& prefix, std::set<std::string>& keys) {
  for_each_field<Section>([&](const auto& each) {
    using Value = std::remove_cvref_t<decltype(std::declval<Section>().*each.member)>;
    if constexpr (requires { Value::fields(); }) {
      collect<Value>(prefix + each.name + ".", keys);
    } else if constexpr (requires { Value::value_type::fields(); }) {
      keys.insert(prefix + each.name);
      collect<typename Value::value_type>(prefix + each.name + "[].", keys);
    } else {
      keys.insert(prefix + each.name);
    }
  });
}

TEST(ConfigKeys, AllAreInTheTable) {
  std::set<std::string> keys;
  collect<TrainConfig>("", keys);
  for (const auto& row : kRows) keys.erase(row.key);
  EXPECT_THAT(keys, IsEmpty());
}

/// Counts all-reduces: one per round of an evaluation.
class CountingCommunicator : public distributed::Communicator {
 public:
  int rank() const override { return alone_->rank(); }
  int size() const override { return alone_->size(); }
  distributed::Pending all_reduce_sum_async(const at::Tensor& tensor) override {
    ++sums;
    return alone_->all_reduce_sum_async(tensor);
  }
  distributed::Pending reduce_scatter_sum_async(const at::Tensor& whole, const at::Tensor& shard) override {
    return alone_->reduce_scatter_sum_async(whole, shard);
  }
  distributed::Pending all_gather_async(const at::Tensor& shard, const at::Tensor& whole) override {
    return alone_->all_gather_async(shard, whole);
  }
  void broadcast(const at::Tensor& tensor, int root) override { alone_->broadcast(tensor, root); }
  void barrier() override { alone_->barrier(); }
  std::vector<std::string> gather_text(const std::string& text) override { return alone_->gather_text(text); }

  int sums = 0;

 private:
  std::unique_ptr<distributed::Communicator> alone_ = distributed::single_process();
};

class ConfigKeys : public ::testing::TestWithParam<Row> {
 protected:
  ConfigKeys() {
    const auto pairs = test::write_pairs(folder_, 4);
    test::write_pairs(folder_, 2, "validation.json");
    auto relative = nlohmann::json::parse(read_file(pairs));
    for (auto& pair : relative) {
      for (const auto* side : {"img1_path", "img2_path"})
        pair[side] = fs::path(pair[side].get<std::string>()).filename().string();
    }
    folder_.write("relative.json", relative.dump());
    auto agreeing = nlohmann::json::parse(read_file(pairs));
    for (size_t i = 0; i < agreeing.size(); ++i) {
      const auto road = fmt::format("road number {} appears", i);
      agreeing[i]["change_caption"] = {road, road + " here", "trees vanish"};
    }
    folder_.write("agreeing.json", agreeing.dump());
    relative[0]["img1_path"] = "none.png";
    folder_.write("broken.json", relative.dump());
    const auto& beside = GetParam().beside;
    if (std::find(beside.begin(), beside.end(), kBase) != beside.end()) test::write_base(folder_ / "base");
    auto config = test::tiny_config(folder_, pairs);
    config.batch.max_steps = 4;
    config.checkpoint.every_steps = 0;
    yaml_ = folder_.write("run.yaml", to_yaml_text(config));
  }

  TrainConfig read(std::vector<std::string> overrides) const {
    for (auto& each : overrides) each = with_folder(each);
    return read_train_config(yaml_, overrides).front();
  }

  std::string with_folder(const std::string& text) const {
    return std::regex_replace(text, std::regex("\\$FOLDER"), folder_.path().string());
  }

  /// Returns every visible effect of a config: its plan, data, training and files, or the error.
  std::string seen(const std::vector<std::string>& overrides) const {
    const auto run = folder_ / "run", elsewhere = folder_ / "elsewhere";
    fs::remove_all(run);
    fs::remove_all(elsewhere);
    std::string text;
    const auto error = test::error_of([&] {
      const auto config = read(overrides);
      text += device_of_rank(config, 0).str();
      text += plan(config) + loading(config) + joining(config);
      text += training(config);
      text += written(run);
      text += written(elsewhere);
    });
    at::set_num_threads(1);
    return text + error;
  }

  static std::string plan(const TrainConfig& config) {
    const auto plan = plan_of(config, 2);
    const auto& memory = plan.memory;
    return fmt::format("\nplan {} {} {} {} {} {} {}", to_text(plan), memory.weights, memory.gradients,
                       memory.optimizer, memory.activations, memory.available, plan.communication);
  }

  static std::string loading(const TrainConfig& config) {
    const auto options = loader_options(start_run_model(config, at::kCPU), config);
    return fmt::format("\nloading {} {} {}", options.workers, options.prefetch, options.cache_bytes);
  }

  static std::string joining(const TrainConfig& config) {
    const auto options = join_options(config.distributed, {});
    return fmt::format("\njoining {} {}", options.timeout.count(), options.stop_timeout.count());
  }

  static std::string training(const TrainConfig& config) {
    CountingCommunicator communicator;
    const auto outcome = train(config, communicator, at::kCPU);
    return fmt::format("\ntraining {} {} {} {}", outcome.step, fmt::join(outcome.caption_losses, " "),
                       communicator.sums, at::get_num_threads());
  }

  /// Returns the names of all files, the log without times, and the best checkpoint without its config.
  static std::string written(const fs::path& run) {
    std::set<std::string> names;
    std::error_code code;
    for (const auto& entry : fs::recursive_directory_iterator(run, code)) {
      if (!entry.path().filename().string().starts_with("events.out")) names.insert(entry.path().string());
    }
    if (names.empty()) return {};
    auto text = fmt::format("\nwritten {}\n", fmt::join(names, "\n"));
    std::istringstream log(read_file(run / "log.jsonl"));
    for (std::string line; std::getline(log, line);) {
      auto object = nlohmann::json::parse(line);
      for (const char* time :
           {"seconds", "tokens_per_second", "pairs_per_second", "data_wait_share", "memory_gb"})
        object.erase(time);
      text += object.dump() + "\n";
    }
    return text + read_file(run / "best/trainer.json") + read_file(run / "best/model.safetensors") +
           (is_there(run / "best/adapter_model.safetensors")
                ? read_file(run / "best/adapter_model.safetensors")
                : std::string());
  }

  test::TemporaryFolder folder_;
  fs::path yaml_;
};

std::string name_of(const ::testing::TestParamInfo<Row>& row) {
  const std::string key = std::regex_replace(row.param.key, std::regex("[^a-z_]+"), "_");
  return std::to_string(row.index) + "_" + key;
}

INSTANTIATE_TEST_SUITE_P(Table, ConfigKeys, ::testing::ValuesIn(kRows), name_of);

TEST_P(ConfigKeys, ChangesSomethingOrIsRefused) {
  const auto& row = GetParam();
  const std::string key = row.key;
  auto overrides = row.beside;
  const auto before = seen(overrides);
  overrides.push_back(key.substr(0, key.find('[')) + "=" + row.value);
  const auto after = seen(overrides);
  EXPECT_TRUE(before != after) << "nothing changed";
  if (row.refused != nullptr) {
    EXPECT_THAT(after, HasSubstr(row.refused));
  } else if (key != "device" && key != "data.image_root") {
    EXPECT_THAT(after, ::testing::EndsWith("no error"));
  }
}

}  // namespace
}  // namespace ccexpert::train
