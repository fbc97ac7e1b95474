#include "train/shared/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/part_cost.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "runtime/device.h"
#include "runtime/memory.h"
#include "train/flops.h"
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

double number(int64_t value) {
  return static_cast<double>(value);
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

/// Adds the three linear heads of the auxiliary losses.
void add_heads(Plan& plan, const model::ModelConfig& model, const LossSection& loss) {
  if (!loss.auxiliary()) return;
  const int64_t vision = model.vision.hidden_size + 1, language = model.decoder.hidden_size + 1;
  const int64_t parameters = vision * (1 + loss.class_count) + language * (1 + loss.class_count);
  plan.parts.push_back({"auxiliary heads", parameters, parameters});
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
  const double bytes = run_dtype(run) == at::kBFloat16 ? 2.0 : 4.0;
  return (values + largest) * bytes;
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

/// Returns the bytes of gradient buckets in flight. A parameter larger than a bucket has its own.
double bytes_in_flight(const TrainConfig& config, double trained_bytes, double largest_bytes) {
  const double bucket = config.distributed.bucket_mb * 1e6;
  return std::min(trained_bytes, (kBucketsInFlight - 1.0) * bucket + std::max(bucket, largest_bytes));
}

PlanMemory memory_of(const Plan& plan, const model::ModelConfig& model, const TrainConfig& config,
                     const TrainedParts& trained_in, int64_t largest) {
  double all = 0.0, trained = 0.0;
  for (const auto& part : plan.parts) {
    all += number(part.parameters);
    trained += number(part.trained);
  }
  const bool half = run_dtype(config) == at::kBFloat16;
  const double bytes = half ? 2.0 : 4.0;
  const double state_shards = config.distributed.zero >= 1 ? plan.ranks : 1.0;
  const double gradient_shards = config.distributed.zero >= 2 ? plan.ranks : 1.0;
  PlanMemory memory;
  memory.weights = all * bytes;
  memory.optimizer = trained * (half ? 3.0 : 2.0) * kFloatBytes / state_shards;
  memory.gradients = trained * kFloatBytes / gradient_shards +
                     bytes_in_flight(config, trained * bytes, number(largest) * bytes);
  memory.activations = activation_bytes(model, config, trained_in);
  memory.available = available_memory(config, plan.ranks);
  return memory;
}

double communication_of(const Plan& plan, const TrainConfig& config) {
  if (plan.ranks == 1) return 0.0;
  double trained = 0.0;
  for (const auto& part : plan.parts) trained += number(part.trained);
  const double bytes = run_dtype(config) == at::kBFloat16 ? 2.0 : 4.0;
  const double sent = (plan.ranks - 1.0) / plan.ranks;  // by one rank of a ring, in each direction
  if (config.distributed.zero == 0) return 2.0 * sent * trained * kFloatBytes;
  if (config.distributed.zero == 1) return sent * trained * (kFloatBytes + bytes);
  return sent * trained * bytes * (number(plan.accumulation) + 1.0);
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
  const auto parameters = apply_rules(model, config.optimizer.parameters);
  const auto trained = trained_parts(parameters);
  Plan plan;
  plan.name = config.name;
  plan.ranks = ranks;
  plan.parts = parts_of(model);
  add_heads(plan, model_config, config.loss);
  count_steps(plan, config);
  int64_t largest = 0;
  for (const auto& parameter : parameters) largest = std::max(largest, parameter.tensor.numel());
  plan.memory = memory_of(plan, model_config, config, trained, largest);
  plan.communication = communication_of(plan, config);
  plan.flops = step_flops(model_config, trained, config.batch.global,
                          config.batch.global * tokens_of_pair(model_config, config));
  plan.fits = plan.memory.available == 0.0 || plan.memory.total() <= plan.memory.available;
  return plan;
} catch (...) {
  rethrow_as_error();
}

std::string to_text(const Plan& plan) {
  const auto gigabytes = [](double bytes) { return bytes / kGigabyte; };
  auto text = fmt::format("{} on {} {}\n", plan.name, plan.ranks, plan.ranks == 1 ? "rank" : "ranks");
  for (const auto& part : plan.parts) {
    text += fmt::format("  {:<26} {:>9.2f} M parameters, {:>9.2f} M train\n", part.name,
                        number(part.parameters) * 1e-6, number(part.trained) * 1e-6);
  }
  const auto& memory = plan.memory;
  text += fmt::format(
      "  memory of a rank           {:.2f} GB = weights {:.2f} + gradients {:.2f} + optimiser {:.2f} + "
      "activations about {:.2f}\n",
      gigabytes(memory.total()), gigabytes(memory.weights), gigabytes(memory.gradients),
      gigabytes(memory.optimizer), gigabytes(memory.activations));
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
  if (memory.available == 0.0)
    text += "  fits?                      unknown without memory_gb: this machine has no such device\n";
  if (!plan.idle.empty()) text += fmt::format("  {}\n", plan.idle);
  return text;
}

}  // namespace ccexpert::train
