// Tensor parallelism: ranks that share a decoder's heads and MLP compute and caption what one process does.
#include <cstdlib>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "generate/shared/decode.h"
#include "model/shared/decoder_part.h"
#include "support/errors.h"
#include "support/ranks.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

/// Partial sums are rounded in another order.
constexpr test::Tolerance kSums{2e-5, 1e-5};

model::ModelConfig tiny_model_config() {
  return model::parse_model_config(io::open_checkpoint(test::tiny_folder()).config_json, "config.json");
}

std::shared_ptr<model::CcexpertModel> part_of_tiny(distributed::Communicator& all) {
  const auto checkpoint = io::open_checkpoint(test::tiny_folder());
  return model::build_model_part(
      tiny_model_config(), *checkpoint.weights, {.tensor = at::TensorOptions().dtype(at::kFloat)},
      {.number = all.rank(), .parts = all.size(), .sum = [&](const at::Tensor& tensor) {
         all.all_reduce_sum(tensor);
       }});
}

at::Tensor hidden_of(const model::CcexpertModel& model, const TensorBatch& batch) {
  const auto tokens = model.encode_images(batch.pixels).tokens;
  return model.decoder().forward(model.splice(batch.ids, tokens).embeddings);
}

TEST(TensorParallel, LogitsAreThoseOfOneProcess) {
  test::in_ranks(2, [](int) {
    const at::NoGradGuard no_grad;
    const auto all = test::join_ranks();
    const auto whole = test::tiny_model(), part = part_of_tiny(*all);
    const auto batch = test::tiny_batch({1, 2, 3});
    const auto expected = whole->decoder().logits(hidden_of(*whole, batch));
    EXPECT_TRUE(test::close(part->decoder().logits(hidden_of(*part, batch)), expected, kSums));
    EXPECT_EQ(part->decoder().config().num_key_value_heads, 1);
  });
}

TEST(TensorParallel, CaptionsAreThoseOfOneProcess) {
  test::in_ranks(2, [](int) {
    const at::NoGradGuard no_grad;
    const auto all = test::join_ranks();
    const auto whole = test::tiny_model(), part = part_of_tiny(*all);
    const auto batch = test::tiny_batch({4, 5});
    for (const int64_t beams : {1, 3}) {
      generate::DecodingConfig decoding;
      decoding.beams = beams;
      decoding.max_new_tokens = 12;
      const auto captions = [&](const model::CcexpertModel& model) {
        const auto tokens = model.encode_images(batch.pixels).tokens;
        std::vector<std::vector<int64_t>> ids;
        for (auto& sequence : generate::decode(model.decoder(), model.splice(batch.ids, tokens),
                                               {.decoding = decoding, .on_token = {}, .stop = {}}))
          ids.push_back(std::move(sequence.ids));
        return ids;
      };
      EXPECT_EQ(captions(*part), captions(*whole)) << beams << " beams";
    }
  });
}

TEST(TensorParallel, AllWeightsAreShared) {
  const auto checkpoint = io::open_checkpoint(test::tiny_folder());
  const auto whole = test::tiny_model();
  std::vector<std::shared_ptr<model::CcexpertModel>> parts;
  for (int64_t number = 0; number < 2; ++number) {
    parts.push_back(model::build_model_part(tiny_model_config(), *checkpoint.weights,
                                            {.tensor = at::TensorOptions().dtype(at::kFloat)},
                                            {.number = number, .parts = 2, .sum = [](const at::Tensor&) {}}));
  }
  const auto weight = [](const model::CcexpertModel& model, const char* name) {
    return model.named_parameters()[std::string("model.layers.1.") + name].detach();
  };
  const auto joined = [&](const char* name, int64_t axis) {
    return at::cat({weight(*parts[0], name), weight(*parts[1], name)}, axis);
  };
  EXPECT_TRUE(at::equal(joined("self_attn.q_proj.weight", 0), weight(*whole, "self_attn.q_proj.weight")));
  EXPECT_TRUE(at::equal(joined("self_attn.k_proj.bias", 0), weight(*whole, "self_attn.k_proj.bias")));
  EXPECT_TRUE(at::equal(joined("self_attn.o_proj.weight", 1), weight(*whole, "self_attn.o_proj.weight")));
  EXPECT_TRUE(at::equal(joined("mlp.down_proj.weight", 1), weight(*whole, "mlp.down_proj.weight")));
}

TEST(TensorParallel, RanksMustDivideTheHeads) {
  auto config = tiny_model_config().decoder;  // 4 heads, 2 key heads
  const auto refusal = [&](int64_t parts) {
    return test::error_of([&] { model::config_of_part(config, parts); });
  };
  EXPECT_EQ(refusal(3),
            "tensor parallelism: expected a number of ranks that divides 4 attention heads, got 3");
  EXPECT_EQ(refusal(4),
            "tensor parallelism: expected a number of ranks that divides 2 key and value heads, got 4");
  config.intermediate_size = 127;
  EXPECT_EQ(refusal(2),
            "tensor parallelism: expected a number of ranks that divides 127 features of the MLP, got 2");
  EXPECT_EQ(refusal(0), "tensor parallelism: expected at least 1 rank, got 0");
}

TEST(TensorParallel, AFailingRankEndsAll) {
  test::in_ranks(2,
                 [](int rank) {
                   const at::NoGradGuard no_grad;
                   const auto all = test::join_ranks(std::chrono::seconds(10));
                   const auto part = part_of_tiny(*all);
                   if (rank == 1) std::_Exit(EXIT_FAILURE);
                   const auto batch = test::tiny_batch({1});
                   EXPECT_NE(test::error_of([&] { hidden_of(*part, batch); }), "no error");
                 },
                 {.lost = {1}});
}

}  // namespace
}  // namespace ccexpert::train
