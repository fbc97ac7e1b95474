// The parts that a caption's time goes to, with the sizes of so400m and Qwen2-0.5B and made-up weights, in
// float32 on as many threads as LibTorch takes by itself (OMP_NUM_THREADS sets another number).
#include <memory>
#include <vector>

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>

#include <ccexpert/model/config.h>
#include <ccexpert/model/decoder.h>
#include <ccexpert/model/diff_expert.h>
#include <ccexpert/model/kv_cache.h>
#include <ccexpert/model/layers.h>

#include "kernels/attention.h"
#include "model/siglip.h"

namespace ccexpert {
namespace {

constexpr int64_t kScales = 4;
constexpr int64_t kPromptTokens = 1490;  // two images of 729 tokens and a short question

at::Tensor random(at::IntArrayRef shape) {
  return at::randn(shape, at::kFloat);
}

void fill(torch::nn::Module& module) {
  for (auto& parameter : module.parameters()) parameter.normal_(0.0, 0.02);
}

/// Multiplications and additions a second, from those of one iteration.
void count_operations(benchmark::State& state, int64_t multiplications) {
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(multiplications),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

int64_t weight_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.dim() == 2 ? parameter.numel() : 0;
  return count;
}

/// Products of queries with keys and of their weights with values.
int64_t attention_products(int64_t queries, int64_t keys, int64_t width) {
  return 2 * queries * keys * width;
}

void siglip_block(benchmark::State& state) {
  const c10::InferenceMode inference;
  const model::VisionConfig config;
  model::SiglipBlock block(config, at::kFloat);
  fill(block);
  const int64_t images = state.range(0), patches = config.patches();
  const auto x = random({images, patches, config.hidden_size});
  for (auto _ : state) benchmark::DoNotOptimize(block.forward(x));
  count_operations(state, images * (patches * weight_count(block) +
                                    attention_products(patches, patches, config.hidden_size)));
}
BENCHMARK(siglip_block)->Arg(2)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Multiplications of the Diff Expert for `tokens` patches of all scales, of which `patches` see each other.
int64_t diff_expert_products(const model::DiffExpertConfig& config, int64_t tokens, int64_t patches) {
  const int64_t width = config.embedding_dim;
  // Initial change 2 * 2 + 3; self-attention 4; attention to both dates and the change 1 + 3 + 3 + 1;
  // attention of either date 1 + 1 + 1 + 1 and to the change 2 once: products of a token with square
  // matrices. Keys of one query: N + 3N + 2 * 2N.
  const int64_t linear = (7 + 4 + 8 + 2 * 4 + 2) * width * width + 2 * width * config.mlp_dim;
  return config.per_expert_depth * (tokens * linear + attention_products(tokens, 8 * patches, width));
}

void diff_expert(benchmark::State& state) {
  const c10::InferenceMode inference;
  const model::VisionConfig vision;
  const model::DiffExpertConfig config;
  model::DiffExpert expert(config, at::kFloat);
  expert.initialize({.seed = 1});
  std::vector<at::Tensor> before, after;
  for (int64_t scale = 0; scale < kScales; ++scale) {
    before.push_back(random({1, vision.patches(), vision.hidden_size}));
    after.push_back(random({1, vision.patches(), vision.hidden_size}));
  }
  for (auto _ : state) benchmark::DoNotOptimize(expert.forward(before, after));
  count_operations(state, diff_expert_products(config, kScales * vision.patches(), vision.patches()));
}
BENCHMARK(diff_expert)->Unit(benchmark::kMillisecond)->UseRealTime();

/// One layer of Qwen2-0.5B, and what a pass hands it.
struct Layer {
  explicit Layer(int64_t capacity) : cache(1, capacity), block(config, at::kFloat) { fill(block); }

  at::Tensor forward(const at::Tensor& x) {
    const auto factors = random({1, 1, x.size(1), config.head_width()});
    return block.forward(x, {factors, factors, {}, &cache}, 0);
  }

  model::DecoderConfig config;
  model::KvCache cache;
  model::DecoderBlock block;
};

/// Forward and backward in bfloat16: images, patches, heads and their width.
void half_attention(benchmark::State& state, bool fused) {
  const int64_t images = state.range(0), patches = state.range(1), heads = state.range(2),
                width = state.range(3);
  const auto leaf = [&] {
    return random({images, patches, heads, width})
        .to(at::kBFloat16)
        .transpose(1, 2)
        .detach()
        .requires_grad_(true);
  };
  const auto q = leaf(), k = leaf(), v = leaf();
  for (auto _ : state) {
    const auto out = fused ? at::scaled_dot_product_attention(q, k, v) : kernels::attention(q, k, v);
    out.sum().backward();
  }
  count_operations(state, images * 3 * attention_products(patches, patches, heads * width));
}

/// The small model's vision transformer with images of 128 px, longer ones, and that of so400m.
void attention_sizes(benchmark::internal::Benchmark* bench) {
  bench->Args({64, 64, 4, 32})->Args({64, 192, 4, 32})->Args({16, 400, 4, 32})->Args({2, 729, 16, 72});
}
BENCHMARK_CAPTURE(half_attention, ours, false)
    ->Apply(attention_sizes)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(half_attention, scaled_dot_product, true)
    ->Apply(attention_sizes)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void qwen2_prefill(benchmark::State& state) {
  const c10::InferenceMode inference;
  const int64_t tokens = state.range(0);
  Layer layer(tokens);
  const auto x = random({1, tokens, layer.config.hidden_size});
  // The cache never counts these tokens, so every iteration begins at its first place.
  for (auto _ : state) benchmark::DoNotOptimize(layer.forward(x));
  state.SetItemsProcessed(tokens * state.iterations());
  count_operations(state, tokens * weight_count(layer.block) +
                              attention_products(tokens, tokens, layer.config.hidden_size) / 2);
}
BENCHMARK(qwen2_prefill)->Arg(kPromptTokens)->Unit(benchmark::kMillisecond)->UseRealTime();

void qwen2_decode_step(benchmark::State& state) {
  const c10::InferenceMode inference;
  Layer layer(kPromptTokens + 1);
  layer.forward(random({1, kPromptTokens, layer.config.hidden_size}));
  layer.cache.advance({kPromptTokens});
  const auto token = random({1, 1, layer.config.hidden_size});
  for (auto _ : state) benchmark::DoNotOptimize(layer.forward(token));
  state.SetItemsProcessed(state.iterations());
  // A step reads every weight once: this is bound by memory, not by arithmetic.
  state.SetBytesProcessed(weight_count(layer.block) * int64_t{sizeof(float)} * state.iterations());
}
BENCHMARK(qwen2_decode_step)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace ccexpert
