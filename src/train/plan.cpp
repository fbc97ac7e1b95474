#include "train/shared/plan.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/part_cost.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "model/shared/blocks.h"
#include "model/shared/int8_model.h"
#include "runtime/device.h"
#include "runtime/memory.h"
#include "train/flops.h"
#include "train/lora_run.h"
#include "train/parameter_groups.h"
#include "train/run_data.h"
#include "train/run_model.h"

namespace ccexpert::train {
namespace {

constexpr double kGigabyte = 1e9;
/// Text tokens of prompt and caption with the reference question.
constexpr int64_t kTextTokens = 64;
/// Gradient buckets in flight at once, including receive buffers.
constexpr double kBucketsInFlight = 4.0;
constexpr double kFloatBytes = 4.0;
/// With weights in shards: blocks that are gathered at once, and whose gradients are sent at once.
constexpr double kBlocksGathered = 2.0;
constexpr double kBlocksInFlight = 3.0;
/// Memory of an H100.
constexpr double kUsualGpu = 80e9;

double number(int64_t value) {
  return static_cast<double>(value);
}

double bytes_of_weight(const TrainConfig& config) {
  return number(static_cast<int64_t>(c10::elementSize(run_dtype(config))));
}

std::string row_of(model::Part part) {
  switch (part) {
    case model::Part::kVision:
      return "vision transformer";
    case model::Part::kDiffExpert:
    case model::Part::kWeighting:
      return "Diff Expert and weighting";
    case model::Part::kProjector:
    case model::Part::kImageNewline:
      return "projector";
    case model::Part::kDecoder:
    case model::Part::kHead:
      break;
  }
  return "decoder";
}

std::vector<PlanPart> parts_of(const model::CcexpertModel& model) {
  std::vector<PlanPart> parts;
  for (const auto& item : model.named_parameters()) {
    const auto name = row_of(model::part_of(item.key()));
    auto part =
        std::find_if(parts.begin(), parts.end(), [&](const auto& known) { return known.name == name; });
    if (part == parts.end()) part = parts.insert(parts.end(), {.name = name});
    part->parameters += item.value().numel();
    part->trained += item.value().requires_grad() ? item.value().numel() : 0;
  }
  return parts;
}

/// Adds a part for the products, and returns the number of their elements.
int64_t add_adapter(Plan& plan, const model::LoraLayers& lora) {
  if (lora.empty()) return 0;
  PlanPart part{.name = "LoRA"};
  for (const auto& parameter : model::lora_parameters(lora)) part.parameters += parameter.tensor.numel();
  part.trained = part.parameters;
  plan.parts.push_back(part);
  return part.parameters;
}

/// Counts the weights of the three linear heads of the auxiliary losses.
int64_t head_weights(const model::ModelConfig& model, const LossSection& loss) {
  if (!loss.auxiliary()) return 0;
  const int64_t vision = model.vision.hidden_size + 1, language = model.decoder.hidden_size + 1;
  return (vision + language) * (1 + loss.class_count);
}

int64_t sequence_length(const model::ModelConfig& config) {
  return 2 * config.image_tokens() + kTextTokens;
}

/// Returns the decoder's tokens of one sample; of all captions drawn for it in self-critical training.
int64_t tokens_of_pair(const model::ModelConfig& config, const TrainConfig& run) {
  const bool draws = run.objective == StageObjective::kSelfCritical;
  return sequence_length(config) * (draws ? run.self_critical.samples : 1);
}

/// Returns the activations of one micro-batch in bytes. With gradient checkpointing each block keeps only its
/// input, and one block at a time keeps everything. Nothing is kept of a frozen vision tower's blocks.
double activation_bytes(const model::ModelConfig& config, const TrainConfig& run, const TrainedParts& parts) {
  double values = 0.0, largest = 0.0;
  for (const auto& cost :
       model::part_costs(config, {run.batch.micro, run.batch.micro * tokens_of_pair(config, run)})) {
    const auto& kept = cost.kept;
    const double blocks = cost.part == model::Part::kVision && !parts.vision ? 0.0 : kept.blocks;
    values += kept.outputs + blocks * (run.model.recompute ? kept.block_inputs : kept.block);
    largest = std::max(largest, kept.block);
  }
  return (values + largest) * bytes_of_weight(run);
}

/// Returns the memory of one device (0: a GPU that this machine does not have).
double available_memory(const TrainConfig& config, int ranks) {
  if (config.memory_gb > 0.0) return config.memory_gb * kGigabyte;
  const auto here = runtime::device_from_name({});
  if (config.device.is_cpu() || (config.device.is_auto() && here.is_cpu())) {
    return runtime::total_bytes(at::kCPU) / ranks;
  }
  return here.is_cuda() ? runtime::total_bytes(here) : 0.0;
}

/// Numbers of weights.
struct WeightCounts {
  double all = 0.0;
  double trained = 0.0;
  double largest = 0.0;          ///< of a trained parameter
  double outside = 0.0;          ///< of blocks
  double trained_outside = 0.0;  ///< of blocks
  double block = 0.0;            ///< of the largest block
  double trained_block = 0.0;    ///< of the block with most that train
  double eight_bits = 0.0;       ///< with one byte each
};

/// `beside`: weights that train beside the model.
WeightCounts count_weights(const model::CcexpertModel& model, double beside) {
  WeightCounts counts{.all = beside, .trained = beside, .outside = beside, .trained_outside = beside};
  std::map<std::string_view, std::pair<double, double>> blocks;
  const auto parameters = model.named_parameters();
  for (const auto& item : parameters) {
    const double size = number(item.value().numel()), trained = item.value().requires_grad() ? size : 0.0;
    counts.all += size;
    counts.trained += trained;
    counts.largest = std::max(counts.largest, trained);
    const auto block = model::block_of(item.key());
    auto& [all_of, trained_of] = blocks[block];
    all_of += size;
    trained_of += trained;
  }
  for (const auto& [name, sizes] : blocks) {
    if (name.empty()) {
      counts.outside += sizes.first;
      counts.trained_outside += sizes.second;
      continue;
    }
    counts.block = std::max(counts.block, sizes.first);
    counts.trained_block = std::max(counts.trained_block, sizes.second);
  }
  return counts;
}

/// Counts the weights that the run keeps in 8 bits.
double count_eight_bits(const model::ModelConfig& model, const TrainConfig& config) {
  if (!config.lora.int8_base) return 0.0;
  const auto start = io::resolve_folder(config.model.start) / "config.json";
  const bool has_expert = model::parse_model_config(read_file(start), start.string()).diff_expert.has_value();
  const auto is_frozen = frozen_weights(config, /*draws_expert=*/!has_expert);
  const auto names = model::int8_matrices(model);
  double count = 0.0;
  for (const auto& item :
       model::CcexpertModel(model, at::TensorOptions().device(at::kMeta)).named_parameters()) {
    if (names.contains(item.key()) && is_frozen(item.key())) count += number(item.value().numel());
  }
  return count;
}

/// Sharding of a run whose memory is computed.
struct Sharding {
  int zero = 2;
  int ranks = 1;

  /// A single process holds all weights at every stage.
  bool of_weights() const { return zero >= 3 && ranks > 1; }
  double shards_from(int stage) const { return zero >= stage ? ranks : 1.0; }
};

/// Returns the bytes of gradient buckets in flight. A parameter larger than a bucket has its own. With
/// weights in shards, blocks are the buckets, and gradients outside of blocks wait for the end of the pass.
double bytes_in_flight(const TrainConfig& config, const WeightCounts& counts, const Sharding& sharding) {
  const double bytes = bytes_of_weight(config), trained = counts.trained * bytes;
  if (sharding.of_weights()) {
    return std::min(trained, (counts.trained_outside + kBlocksInFlight * counts.trained_block) * bytes);
  }
  const double bucket = config.distributed.bucket_mb * 1e6;
  return std::min(trained, (kBucketsInFlight - 1.0) * bucket + std::max(bucket, counts.largest * bytes));
}

PlanMemory memory_of(const WeightCounts& counts, const TrainConfig& config, const Sharding& sharding) {
  const double bytes = bytes_of_weight(config), state = run_dtype(config) == at::kBFloat16 ? 3.0 : 2.0;
  PlanMemory memory;
  memory.weights = ((counts.all - counts.eight_bits) * bytes + counts.eight_bits) / sharding.shards_from(3);
  if (sharding.of_weights())
    memory.gathered = std::min(counts.all, counts.outside + kBlocksGathered * counts.block) * bytes;
  memory.optimizer = counts.trained * state * kFloatBytes / sharding.shards_from(1);
  memory.gradients =
      counts.trained * kFloatBytes / sharding.shards_from(2) + bytes_in_flight(config, counts, sharding);
  return memory;
}

/// Returns the smallest power of two of GPUs of which each has enough memory, or 0.
int fewest_gpus(const Plan& plan, const WeightCounts& counts, const TrainConfig& config, int zero) {
  constexpr int kMostGpus = 4096;
  for (int gpus = 1; gpus <= kMostGpus; gpus *= 2) {
    const double bytes = memory_of(counts, config, {zero, gpus}).total() + plan.memory.activations;
    if (bytes <= plan.gpu_bytes) return gpus;
  }
  return 0;
}

void add_choices(Plan& plan, const WeightCounts& counts, const TrainConfig& config) {
  if (config.device.is_cpu()) return;
  plan.gpu_bytes = config.memory_gb > 0.0 ? config.memory_gb * kGigabyte : kUsualGpu;
  // Runs that ZeRO 3 refuses.
  const bool whole = config.lora.int8_base || config.objective == StageObjective::kSelfCritical;
  for (int zero = 0; zero <= (whole ? 2 : 3); ++zero) {
    auto memory = memory_of(counts, config, {zero, plan.ranks});
    memory.activations = plan.memory.activations;
    plan.choices.push_back({zero, memory, fewest_gpus(plan, counts, config, zero)});
  }
}

/// Returns the bytes that a rank sends per step.
double communication_of(const Plan& plan, const WeightCounts& counts, const TrainConfig& config) {
  if (plan.ranks == 1) return 0.0;
  const double trained = counts.trained, bytes = bytes_of_weight(config);
  const double sent = (plan.ranks - 1.0) / plan.ranks;  // by one rank of a ring, in each direction
  const double passes = number(plan.accumulation);
  if (config.distributed.zero == 0) return 2.0 * sent * trained * kFloatBytes;
  if (config.distributed.zero == 1) return sent * trained * (kFloatBytes + bytes);
  if (config.distributed.zero == 2) return sent * trained * bytes * (passes + 1.0);
  // Blocks are gathered before the forward and the backward pass, everything else once for both.
  return sent * passes * bytes * (2.0 * counts.all - counts.outside + trained);
}

void count_steps(Plan& plan, const TrainConfig& config) {
  const int64_t micro_batches = config.batch.global / config.batch.micro;
  plan.accumulation = (micro_batches + plan.ranks - 1) / plan.ranks;
  plan.idle = check_ranks(config.batch, plan.ranks);
  plan.steps = config.batch.max_steps;
  if (!is_there(config.data.train)) return;
  const auto batches = batch_plan(training_pairs(config), config, 0, plan.ranks);
  plan.samples = batches.sampler().size();
  plan.steps_per_epoch = batches.batches();
  plan.steps = total_steps(config, plan.steps_per_epoch);
}

}  // namespace

Plan plan_of(const TrainConfig& config, int ranks) try {
  const auto model_config = run_model_config(config);
  model::CcexpertModel model(model_config, at::TensorOptions().dtype(run_dtype(config)).device(at::kMeta));
  const auto lora = add_lora(model, config.lora);
  const auto parameters = model_parameters(model, lora, config);
  const auto trained = trained_parts(parameters);
  Plan plan;
  plan.name = config.name;
  plan.ranks = ranks;
  plan.parts = parts_of(model);
  const int64_t products = add_adapter(plan, lora), heads = head_weights(model_config, config.loss);
  if (heads > 0) plan.parts.push_back({"auxiliary heads", heads, heads});
  count_steps(plan, config);
  auto counts = count_weights(model, number(products + heads));
  counts.eight_bits = count_eight_bits(model_config, config);
  plan.memory = memory_of(counts, config, {static_cast<int>(config.distributed.zero), ranks});
  plan.memory.activations = activation_bytes(model_config, config, trained);
  plan.memory.available = available_memory(config, ranks);
  add_choices(plan, counts, config);
  plan.communication = communication_of(plan, counts, config);
  plan.flops = step_flops(model_config, trained, config.batch.global,
                          config.batch.global * tokens_of_pair(model_config, config));
  plan.fits = plan.memory.available == 0.0 || plan.memory.total() <= plan.memory.available;
  return plan;
} catch (...) {
  rethrow_as_error();
}

namespace {

double gigabytes(double bytes) {
  return bytes / kGigabyte;
}

std::string memory_text(const PlanMemory& memory) {
  const auto gathered =
      memory.gathered > 0.0 ? fmt::format("gathered {:.2f} + ", gigabytes(memory.gathered)) : "";
  return fmt::format(
      "{:.2f} GB = weights {:.2f} + {}gradients {:.2f} + optimiser {:.2f} + activations about {:.2f}",
      gigabytes(memory.total()), gigabytes(memory.weights), gathered, gigabytes(memory.gradients),
      gigabytes(memory.optimizer), gigabytes(memory.activations));
}

std::string choice_text(const Plan& plan, const PlanChoice& choice) {
  const auto gpus = choice.fewest_gpus == 0 ? std::string("fits on no number of GPUs")
                                            : fmt::format("fits on {} GPU{} or more", choice.fewest_gpus,
                                                          choice.fewest_gpus == 1 ? "" : "s");
  return fmt::format("  ZeRO {}                     {:.2f} GB a rank; {} of {:.0f} GB\n", choice.zero,
                     gigabytes(choice.memory.total()), gpus, gigabytes(plan.gpu_bytes));
}

}  // namespace

std::string to_text(const Plan& plan) {
  auto text = fmt::format("{} on {} {}\n", plan.name, plan.ranks, plan.ranks == 1 ? "rank" : "ranks");
  for (const auto& part : plan.parts) {
    text += fmt::format("  {:<26} {:>9.2f} M parameters, {:>9.2f} M train\n", part.name,
                        number(part.parameters) * 1e-6, number(part.trained) * 1e-6);
  }
  const auto& memory = plan.memory;
  text += fmt::format("  memory of a rank           {}\n", memory_text(memory));
  text += fmt::format(
      "  a step                     {:.1f} TFLOP, {} micro-batches per rank, {:.2f} GB sent by a rank\n",
      plan.flops * 1e-12, plan.accumulation, gigabytes(plan.communication));
  text += plan.samples > 0
              ? fmt::format("  an epoch                   {} samples in {} steps; {} steps in all\n",
                            plan.samples, plan.steps_per_epoch, plan.steps)
              : std::string("  an epoch                   unknown: the training data does not exist yet\n");
  if (!plan.fits) {
    text += fmt::format(
        "  does not fit: {:.2f} GB available (fewer samples in batch.micro, more ranks, ZeRO 2 or "
        "recompute)\n",
        gigabytes(memory.available));
  }
  for (const auto& choice : plan.choices) text += choice_text(plan, choice);
  if (memory.available == 0.0)
    text += "  fits?                      unknown without memory_gb: this machine has no such device\n";
  if (!plan.idle.empty()) text += fmt::format("  {}\n", plan.idle);
  return text;
}

}  // namespace ccexpert::train
