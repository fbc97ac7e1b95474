// Kernels of int8 and bfloat16 with the sizes of so400m and Qwen2-0.5B, on as many threads as LibTorch takes
// by itself (OMP_NUM_THREADS sets another number). `hot_tiles` is the most that the tiles reach: operands in
// the cache, no rounding and no scales.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>

#include "kernels/attention.h"
#include "kernels/blocked_attention.h"
#include "kernels/few_rows.h"
#include "kernels/int8_matrix.h"
#include "kernels/tiled_attention.h"

namespace ccexpert::kernels {
namespace {

at::Tensor random(at::IntArrayRef shape) {
  return at::randn(shape, at::kBFloat16);
}

std::unique_ptr<const Int8Matrix> random_matrix(int64_t outputs, int64_t inputs, int64_t block = 0) {
  return pack_int8(quantize_rows(at::randn({outputs, inputs})), at::randn({outputs}), cpu_level(), block);
}

void count_operations(benchmark::State& state, int64_t multiplications) {
  state.counters["OP/s"] = benchmark::Counter(2.0 * static_cast<double>(multiplications),
                                              benchmark::Counter::kIsIterationInvariantRate);
}

void hot_tiles(benchmark::State& state) {
  if (cpu_level() < CpuLevel::kVnni) return state.SkipWithError("no products of bytes");
  constexpr int64_t kSide = 64, kInputs = 256, kTimes = 1000;
  const int64_t threads = at::get_num_threads();
  for (auto _ : state) {
    at::parallel_for(0, threads * kTimes, kTimes, [&](int64_t begin, int64_t end) {
      const std::vector<uint8_t> a(kSide * kInputs, 3);
      const std::vector<int8_t> b(kSide * kInputs, 5);
      std::vector<int32_t> c(kSide * kSide);
      for (int64_t i = begin; i < end; ++i) {
        at::native::cpublas::brgemm(kSide, kSide, kInputs, kInputs, kSide, kSide, /*add_C=*/false, a.data(),
                                    b.data(), c.data());
      }
      benchmark::DoNotOptimize(c.data());
      at::native::cpublas::brgemm_release();
    });
  }
  count_operations(state, threads * kTimes * kSide * kSide * kInputs);
}
BENCHMARK(hot_tiles)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Rows, inputs and outputs. Successive products read other matrices, as layers do, so that none is in the
/// cache.
void few_rows_of_bfloat16(benchmark::State& state, bool ours) {
  const c10::InferenceMode inference;
  constexpr int64_t kBytes = int64_t{256} << 20;
  const int64_t rows = state.range(0), inputs = state.range(1), outputs = state.range(2);
  const auto matrices =
      random({std::max<int64_t>(1, kBytes / (2 * inputs * outputs)), outputs, inputs}).unbind();
  const auto x = random({rows, inputs});
  size_t turn = 0;
  for (auto _ : state) {
    const auto& matrix = matrices[turn++ % matrices.size()];
    benchmark::DoNotOptimize(ours ? multiply_few_rows(x.to(at::kFloat), matrix).to(at::kBFloat16)
                                  : at::linear(x, matrix));
  }
  state.SetBytesProcessed(state.iterations() * inputs * outputs * 2);
}
void few_rows_sizes(benchmark::internal::Benchmark* bench) {
  for (const int64_t rows : {1, 2, 4, 8}) {
    bench->Args({rows, 896, 1152})
        ->Args({rows, 896, 9728})
        ->Args({rows, 4864, 896})
        ->Args({rows, 896, 151'646});
  }
}
BENCHMARK_CAPTURE(few_rows_of_bfloat16, ours, true)->Apply(few_rows_sizes)->UseRealTime();
BENCHMARK_CAPTURE(few_rows_of_bfloat16, library, false)->Apply(few_rows_sizes)->UseRealTime();

/// Rows, inputs, outputs and inputs of a block (0: all).
void int8_product(benchmark::State& state) {
  const c10::InferenceMode inference;
  const int64_t rows = state.range(0), inputs = state.range(1), outputs = state.range(2);
  const auto matrix = random_matrix(outputs, inputs, state.range(3));
  const auto x = random({rows, inputs});
  for (auto _ : state) benchmark::DoNotOptimize(matrix->multiply(x));
  count_operations(state, rows * inputs * outputs);
  state.SetBytesProcessed(state.iterations() * inputs * outputs);
}
BENCHMARK(int8_product)
    ->Args({1458, 1152, 1152, 0})
    ->Args({1458, 1152, 4304, 0})
    ->Args({1458, 4304, 1152, 0})
    ->Args({1502, 896, 4864, 0})
    ->Args({1502, 4864, 896, 0})
    ->Args({1502, 4864, 896, 512})
    ->Args({1502, 4864, 896, 256})
    ->Args({1502, 4864, 896, 128})
    ->Args({1502, 4864, 896, 64})
    ->Args({1, 896, 4864, 0})
    ->Args({1, 4864, 896, 0})
    ->Args({1, 4864, 896, 512})
    ->Args({1, 4864, 896, 256})
    ->Args({1, 4864, 896, 128})
    ->Args({1, 4864, 896, 64})
    ->Args({1, 896, 151936, 0})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

/// A block's MLP without attention: x + fc2(gelu(fc1(norm(x)))).
void vision_mlp(benchmark::State& state, bool at_once) {
  const c10::InferenceMode inference;
  const int64_t rows = 1458, width = 1152, inner = 4304;
  const auto first = random_matrix(inner, width), second = random_matrix(width, inner);
  const auto x = random({rows, width}), weight = random({width}), bias = random({width});
  const auto fused = [&] {
    const auto hidden = first->multiply_all(
        {.x = x, .norm = {weight, bias, 1e-6}, .function = RowFunction::kGeluTanh}, {first.get()})[0];
    return second->multiply_all({.x = hidden, .residual = x}, {second.get()})[0];
  };
  const auto separate = [&] {
    const auto hidden = first->multiply(at::layer_norm(x, {width}, weight, bias, 1e-6));
    return x + second->multiply(at::gelu(hidden, "tanh"));
  };
  for (auto _ : state) benchmark::DoNotOptimize(at_once ? fused() : separate());
  count_operations(state, 2 * rows * width * inner);
}
BENCHMARK_CAPTURE(vision_mlp, at_once, true)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(vision_mlp, separate, false)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Images, patches, heads and their width, in bfloat16 without gradients.
void attention_of_images(benchmark::State& state, bool tiles) {
  const c10::InferenceMode inference;
  const int64_t images = state.range(0), patches = state.range(1), heads = state.range(2),
                width = state.range(3);
  const auto rows = [&] { return split_heads(random({images, patches, heads * width}), heads); };
  const auto q = rows(), k = rows(), v = rows();
  if (tiles && !can_tile_attention(q, k, v)) return state.SkipWithError("no products of bfloat16");
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        merge_heads(tiles ? tiled_attention(q, k, v, false) : blocked_attention(q, k, v, false)));
  }
  count_operations(state, 2 * images * patches * patches * heads * width);
}
BENCHMARK_CAPTURE(attention_of_images, tiles, true)
    ->Args({2, 729, 16, 72})
    ->Args({4, 729, 9, 128})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(attention_of_images, blocks, false)
    ->Args({2, 729, 16, 72})
    ->Args({4, 729, 9, 128})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace ccexpert::kernels
