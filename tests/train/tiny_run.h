// Model that trains in milliseconds, samples for it, and whole runs on painted images.
#pragma once

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/image/decode.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/weights.h>
#include <ccexpert/train/config.h>

#include "data/shared/sampler.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "train/training_step.h"

namespace ccexpert::test {

inline std::filesystem::path tiny_folder() {
  return data_folder() / "checkpoint-tiny";
}

inline std::shared_ptr<model::CcexpertModel> tiny_model(at::ScalarType type = at::kFloat) {
  const auto checkpoint = io::open_checkpoint(tiny_folder());
  return model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                            *checkpoint.weights, {.tensor = at::TensorOptions().dtype(type)});
}

/// Returns samples by number, deterministic, with captions of different lengths.
inline train::TensorBatch tiny_batch(const std::vector<int64_t>& samples) {
  train::TensorBatch batch;
  std::vector<at::Tensor> pixels;
  for (const int64_t sample : samples) {
    auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(100 + sample));
    pixels.push_back(at::empty({2, 3, 84, 84}).normal_(0.0, 1.0, generator));
    std::vector<int64_t> ids{5, -200, 6, -200}, labels(4, -100);
    for (int64_t i = 0; i < 3 + sample % 4; ++i) {
      ids.push_back((sample * 37 + i * 11) % 300);
      labels.push_back(ids.back());
    }
    batch.ids.push_back(std::move(ids));
    batch.labels.push_back(std::move(labels));
  }
  batch.pixels = at::cat(pixels, 0);
  return batch;
}

/// Writes annotations of `count` painted pairs with one or two captions; every third pair is unchanged.
inline std::filesystem::path write_pairs(const TemporaryFolder& folder, int count,
                                         const std::string& name = "pairs.json") {
  nlohmann::json entries = nlohmann::json::array();
  for (int i = 0; i < count; ++i) {
    const auto paint = [&](const char* side, int seed) {
      image::Image image{30, 40, std::vector<uint8_t>(3 * 30 * 40)};
      for (size_t at = 0; at < image.pixels.size(); ++at)
        image.pixels[at] = static_cast<uint8_t>((at / 60 * static_cast<size_t>(seed + 3) * 29) % 251);
      const auto file = folder / fmt::format("{}-{}-{}.png", name, i, side);
      image::write_png(file, image.view());
      return file.string();
    };
    const bool changed = i % 3 != 2;
    nlohmann::json captions{changed ? fmt::format("a road number {} appears .", i)
                                    : std::string("nothing has changed .")};
    if (i % 2 == 1) captions.push_back("the scene is another one .");
    entries.push_back({{"uid", fmt::format("p{}", i)},
                       {"img1_path", paint("before", i)},
                       {"img2_path", paint("after", changed ? i + 50 : i)},
                       {"change_caption", captions},
                       {"change_flag", changed ? 1 : 0}});
  }
  return folder.write(name, entries.dump());
}

/// Config of a run of the small checkpoint on painted pairs: float32, one thread, a checkpoint every second
/// step.
inline train::TrainConfig tiny_config(const TemporaryFolder& folder, const std::filesystem::path& pairs) {
  train::TrainConfig config;
  config.output = (folder / "run").string();
  config.device = "cpu";
  config.threads = 1;
  config.model.start = tiny_folder().string();
  config.model.dtype = Precision::kFloat32;
  config.data.train = pairs.string();
  config.data.workers = 1;
  config.batch.global = 4;
  config.batch.micro = 2;
  config.batch.max_steps = 6;
  config.optimizer.learning_rate = 1e-3;
  config.checkpoint.every_steps = 2;
  return config;
}

/// Evaluates `config` on these pairs, with short captions.
inline void evaluate_on(train::TrainConfig& config, const std::filesystem::path& pairs) {
  config.data.validation = pairs.string();
  config.evaluation.generation.max_new_tokens = 4;
}

/// Returns the values of all parameters by name.
inline std::map<std::string, at::Tensor> weights_of(const torch::nn::Module& model) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& item : model.named_parameters()) weights[item.key()] = item.value().detach().clone();
  return weights;
}

/// True if all weights are close, or equal if the tolerance is 0.
inline ::testing::AssertionResult same_weights(const std::map<std::string, at::Tensor>& actual,
                                               const std::map<std::string, at::Tensor>& expected,
                                               Tolerance tolerance = {0.0, 0.0}) {
  if (actual.size() != expected.size()) return ::testing::AssertionFailure() << "other parameters";
  for (const auto& [name, tensor] : expected) {
    const auto result = close(actual.at(name), tensor, tolerance);
    if (!result) return ::testing::AssertionFailure() << name << ": " << result.message();
  }
  return ::testing::AssertionSuccess();
}

}  // namespace ccexpert::test
