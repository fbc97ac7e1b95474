// Gradient of the head: the sum over all chunks of the loss, and over the embedding if they are tied.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

#include "model/shared/recompute.h"
#include "support/errors.h"
#include "train/loss.h"
#include "train/sharded_adamw.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

constexpr double kRate = 0.01;
/// Key biases have only rounding noise as gradient, which AdamW would magnify to full steps.
constexpr double kEps = 1e-3;
/// Both compute in float32; chunks are summed in a different order.
constexpr test::Tolerance kSteps{2e-5, 2e-5};

std::shared_ptr<model::Decoder> decoder(bool tied) {
  const auto text = io::open_checkpoint(test::tiny_folder()).config_json;
  auto config = model::parse_model_config(text, "config.json").decoder;
  config.tie_word_embeddings = tied;
  auto result = std::make_shared<model::Decoder>(config, at::TensorOptions().dtype(at::kFloat));
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(9);
  for (auto& parameter : result->parameters()) parameter.normal_(0.0, 0.1, generator);
  return result;
}

std::vector<TrainableParameter> trainable(const model::Decoder& decoder) {
  std::vector<TrainableParameter> parameters;
  for (const auto& item : decoder.named_parameters())
    parameters.push_back({.name = item.key(), .tensor = item.value(), .lr_factor = 1.0, .weight_decay = 0.0});
  return parameters;
}

/// Tokens [2,12], all supervised except the first.
at::Tensor some_tokens(uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::empty({2, 12}, at::kLong).random_(0, 400, generator);
}

at::Tensor plain_loss(const model::Decoder& decoder, const at::Tensor& ids) {
  const auto logits = decoder.logits(decoder.forward(decoder.embed(ids)));
  return at::cross_entropy_loss(logits.slice(1, 0, 11).flatten(0, 1), ids.slice(1, 1).flatten());
}

class SharedHead : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Heads, SharedHead, ::testing::Bool(),
                         [](const auto& tied) { return tied.param ? "tied" : "untied"; });

TEST_P(SharedHead, TrainsAsLibTorchsOptimiserTrainsIt) {
  constexpr int64_t kChunk = 5;  // 22 supervised tokens: five chunks
  const auto alone = distributed::single_process();
  const auto ours = decoder(GetParam()), theirs = decoder(GetParam());
  ours->set_runner(std::make_shared<model::RecomputingRunner>());
  ShardedAdamW optimizer(trainable(*ours), {.eps = kEps, .clip_norm = 0.0, .bucket_elements = 20'000},
                         *alone);
  torch::optim::AdamW reference(theirs->parameters(),
                                torch::optim::AdamWOptions(kRate).eps(kEps).weight_decay(0.0));
  for (uint64_t step = 0; step < 3; ++step) {
    reference.zero_grad();
    for (const uint64_t micro : {0, 1}) {
      const auto ids = some_tokens(2 * step + micro);
      optimizer.begin_backward(micro == 1);
      caption_loss(*ours, ours->forward(ours->embed(ids)), ids, kChunk).mean.backward();
      optimizer.end_backward();
      plain_loss(*theirs, ids).backward();
    }
    reference.step();
    EXPECT_FALSE(optimizer.step(kRate).skipped);
    ASSERT_TRUE(test::same_weights(test::weights_of(*ours), test::weights_of(*theirs), kSteps)) << step;
  }
}

TEST(SharedParameter, AGradientThatComesTwiceIsAnError) {
  const auto alone = distributed::single_process();
  const auto model = decoder(true);
  ShardedAdamW optimizer(trainable(*model), {}, *alone);
  const auto head = [&](const model::TensorList& inputs) {
    return model::TensorList{model->logits(inputs[0])};
  };
  const auto hidden = model->embed(some_tokens(1));
  optimizer.begin_backward(true);
  EXPECT_EQ(test::error_of([&] { model::recompute(head, {hidden}, *model)[0].sum().backward(); }),
            "model.embed_tokens.weight: its gradient came twice in one backward pass");
}

}  // namespace
}  // namespace ccexpert::train
