// The limits of this machine, and the work of a model's stages, as JSON for scripts/bench_roofline.py:
// roofline CONFIG_JSON PROMPT_TOKENS THREADS
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>
#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/part_cost.h>

#include "core/files.h"
#include "kernels/cpu_level.h"
#include "kernels/engine.h"
#include "kernels/int8_matrix.h"
#include "model/shared/blocks.h"

namespace ccexpert {
namespace {

using nlohmann::ordered_json;

constexpr int kRepeats = 5;
constexpr double kGiga = 1e9;

double number(int64_t value) {
  return static_cast<double>(value);
}

/// Returns the shortest time of a call in seconds, of `kRepeats` after one that warms caches up.
double best_seconds(const std::function<void()>& run) {
  run();
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

/// Sums in several lanes, so that the compiler loads whole vectors.
uint64_t sum_of(std::span<const uint64_t> values) {
  constexpr size_t kLanes = 32;
  std::array<uint64_t, kLanes> sums{};
  for (size_t i = 0; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += values[i + lane];
  }
  return std::accumulate(sums.begin(), sums.end(), uint64_t{0});
}

/// Returns the bytes that all threads together read in a second from memory that no cache holds.
double read_bandwidth() {
  constexpr size_t kValues = size_t{1} << 26U;  // 512 MiB
  const std::vector<uint64_t> values(kValues, 1);
  const int64_t threads = at::get_num_threads();
  const size_t part = kValues / static_cast<size_t>(threads);
  std::vector<uint64_t> sums(static_cast<size_t>(threads));
  const double seconds = best_seconds([&] {
    at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        sums[i] = sum_of(std::span(values).subspan(i * part, part));
      }
    });
  });
  // The sum is used, so that no compiler removes the reads.
  return number(static_cast<int64_t>(std::accumulate(sums.begin(), sums.end(), uint64_t{0}) * 8)) / seconds;
}

struct Shape {
  int64_t rows, inputs, outputs;

  double operations() const { return 2.0 * number(rows) * number(inputs) * number(outputs); }
};

/// The MLP of so400m for two images, that of Qwen2-0.5B for a prompt, and a large square.
const std::vector<Shape> kShapes{{1458, 1152, 4304}, {1490, 896, 4864}, {2048, 2048, 2048}};

/// Returns operations a second of a product with weights in floating point, at the best shape.
double library_rate(at::ScalarType dtype) {
  double best = 0.0;
  for (const auto& shape : kShapes) {
    const auto x = at::randn({shape.rows, shape.inputs}).to(dtype);
    const auto weight = at::randn({shape.outputs, shape.inputs}).to(dtype);
    best = std::max(best, shape.operations() / best_seconds([&] { at::linear(x, weight); }));
  }
  return best;
}

/// Same, of our product of int8, with the quantisation of its input.
double int8_rate() {
  double best = 0.0;
  for (const auto& shape : kShapes) {
    const auto x = at::randn({shape.rows, shape.inputs});
    const auto weights = kernels::quantize_rows(at::randn({shape.outputs, shape.inputs}));
    const auto packed = kernels::pack_int8(weights, {});
    best = std::max(best, shape.operations() / best_seconds([&] { packed->multiply(x); }));
  }
  return best;
}

/// Returns operations a second of oneDNN's tile kernel for tiles of 64 x `inputs` whose operands stay in the
/// cache of each core.
template <class A, class B, class C>
double rate_of_tiles(int64_t inputs, bool is_vnni) {
  constexpr int64_t kSide = 64;
  const int64_t calls = (int64_t{1} << 21) / inputs, count = kSide * inputs;
  const auto a = at::zeros({count * int64_t{sizeof(A)}}, at::kByte);
  const auto b = at::zeros({count * int64_t{sizeof(B)}}, at::kByte);
  const auto* left = static_cast<const A*>(a.const_data_ptr());
  const auto* right = static_cast<const B*>(b.const_data_ptr());
  const double seconds = best_seconds([&] {
    at::parallel_for(0, calls, 1, [&](int64_t begin, int64_t end) {
      std::vector<C> out(static_cast<size_t>(kSide * kSide));
      for (int64_t i = begin; i < end; ++i) {
        at::native::cpublas::brgemm(kSide, kSide, inputs, inputs, kSide, kSide, /*add_C=*/false, left, right,
                                    out.data(), is_vnni);
      }
      at::native::cpublas::brgemm_release();
    });
  });
  return number(calls) * Shape{kSide, inputs, kSide}.operations() / seconds;
}

/// Same, at the best of several sizes; 0 if this processor has no such kernel.
template <class A, class B, class C>
double tile_rate(bool is_vnni) {
  double best = 0.0;
  try {
    for (const int64_t inputs : {128, 256, 512, 1024})
      best = std::max(best, rate_of_tiles<A, B, C>(inputs, is_vnni));
  } catch (const c10::Error&) {
    return 0.0;
  }
  return best;
}

ordered_json limits() {
  ordered_json result;
  result["level"] = std::string(name_of(kernels::cpu_level()));
  result["int8_kernel"] = kernels::engine_name(Precision::kInt8);
  result["read_gb_per_s"] = read_bandwidth() / kGiga;
  const auto add = [&](const char* name, double ours, double tile) {
    result["gflop_per_s"][name] = {{"product", ours / kGiga}, {"tile", tile / kGiga}};
  };
  add("float32", library_rate(at::kFloat), tile_rate<float, float, float>(/*is_vnni=*/false));
  // Without instructions for it, a product in bfloat16 takes minutes.
  if (kernels::multiplies_bfloat16())
    add("bfloat16", library_rate(at::kBFloat16),
        tile_rate<at::BFloat16, at::BFloat16, float>(/*is_vnni=*/true));
  add("int8", int8_rate(), tile_rate<unsigned char, signed char, int32_t>(/*is_vnni=*/true));
  return result;
}

/// Work of one stage for one pair.
struct Stage {
  double products = 0.0;  ///< multiply-adds with weights
  double scores = 0.0;    ///< multiply-adds of attention
  double weights = 0.0;   ///< elements of matrices that it reads
  double cache = 0.0;     ///< elements of keys and values that it reads
};

ordered_json json_of(const Stage& stage) {
  return {{"products", stage.products},
          {"scores", stage.scores},
          {"weights", stage.weights},
          {"cache", stage.cache}};
}

/// Numbers of elements of matrices.
struct Matrices {
  double vision = 0.0, diff_expert = 0.0, decoder_blocks = 0.0;
};

Matrices count_matrices(const model::ModelConfig& config) {
  const model::CcexpertModel model(config, at::TensorOptions().device(at::kMeta));
  Matrices count;
  for (const auto& item : model.named_parameters()) {
    if (item.value().dim() < 2) continue;
    const double size = number(item.value().numel());
    const auto part = model::part_of(item.key());
    if (part == model::Part::kVision) count.vision += size;
    if (part == model::Part::kDiffExpert || part == model::Part::kWeighting ||
        part == model::Part::kProjector)
      count.diff_expert += size;
    if (part == model::Part::kDecoder && !model::block_of(item.key()).empty()) count.decoder_blocks += size;
  }
  return count;
}

/// Multiply-adds of attention in each part; they are also in `part_costs`.
double vision_scores(const model::ModelConfig& config) {
  const double patches = number(config.vision.patches());
  return number(config.vision_layers.back()) * 2.0 * (2.0 * patches) * patches *
         number(config.vision.hidden_size);
}

double diff_expert_scores(const model::ModelConfig& config) {
  if (!config.diff_expert) return 0.0;
  const auto& expert = *config.diff_expert;
  const double patches = number(config.vision.patches());
  const double inner = number(expert.embedding_dim) / number(expert.attention_upsample_rate);
  return number(std::ssize(config.vision_layers)) * number(expert.per_expert_depth) * 16.0 * patches *
         patches * inner;
}

Stage prefill_stage(const model::ModelConfig& config, const Matrices& matrices, double multiply_adds,
                    int64_t tokens) {
  const auto& decoder = config.decoder;
  const double head = number(decoder.vocab_size) * number(decoder.hidden_size);
  const double scores =
      number(decoder.num_hidden_layers) * number(tokens) * number(tokens) * number(decoder.query_width());
  return {
      .products = multiply_adds - scores + head, .scores = scores, .weights = matrices.decoder_blocks + head};
}

/// One token after `tokens` of the prompt.
Stage decode_stage(const model::ModelConfig& config, const Matrices& matrices, int64_t tokens) {
  const auto& decoder = config.decoder;
  const double read = matrices.decoder_blocks + number(decoder.vocab_size) * number(decoder.hidden_size);
  const double layers = number(decoder.num_hidden_layers), keys = number(tokens);
  return {.products = read,
          .scores = layers * 2.0 * keys * number(decoder.query_width()),
          .weights = read,
          .cache = layers * 2.0 * keys * number(decoder.key_width())};
}

ordered_json stages(const model::ModelConfig& config, int64_t tokens) {
  const auto matrices = count_matrices(config);
  double vision = 0.0, expert = 0.0, decoder = 0.0;
  for (const auto& cost : model::part_costs(config, {1, tokens})) {
    auto& sum = cost.part == model::Part::kVision    ? vision
                : cost.part == model::Part::kDecoder ? decoder
                                                     : expert;
    sum += cost.multiply_adds;
  }
  const double seen = vision_scores(config), changed = diff_expert_scores(config);
  return {{"vision", json_of({.products = vision - seen, .scores = seen, .weights = matrices.vision})},
          {"diff_expert",
           json_of({.products = expert - changed, .scores = changed, .weights = matrices.diff_expert})},
          {"prefill", json_of(prefill_stage(config, matrices, decoder, tokens))},
          {"decode", json_of(decode_stage(config, matrices, tokens))}};
}

int run(std::span<char*> arguments) {
  if (arguments.size() != 4) {
    std::cerr << "roofline: expected CONFIG_JSON PROMPT_TOKENS THREADS\n";
    return 2;
  }
  const c10::InferenceMode inference;
  const std::string path = arguments[1];
  at::set_num_threads(std::stoi(arguments[3]));
  const auto config = model::parse_model_config(read_file(path), path);
  const ordered_json result{{"limits", limits()}, {"stages", stages(config, std::stoll(arguments[2]))}};
  std::cout << result.dump(2) << '\n';
  return 0;
}

}  // namespace
}  // namespace ccexpert

int main(int argc, char** argv) {
  try {
    return ccexpert::run({argv, static_cast<size_t>(argc)});
  } catch (const std::exception& error) {
    std::cerr << "roofline: " << error.what() << '\n';
    return 1;
  }
}
