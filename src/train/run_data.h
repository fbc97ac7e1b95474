// What a run reads: pairs, their order, micro-batches as tensors.
#pragma once

#include <filesystem>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/loader.h>
#include <ccexpert/train/config.h>
#include <ccexpert/train/training_step.h>

#include "train/run_model.h"

namespace ccexpert::train {

/// A data list (.yaml, .yml) or annotations.
std::vector<data::ChangeExample> read_examples(const std::string& file, const TrainConfig& config);

/// What the config trains on; with `flatten_unique`, equal captions of a pair are one. Throws Error where its
/// losses need masks or class maps that no pair has.
std::vector<data::ChangeExample> training_pairs(const TrainConfig& config);

/// Throws Error where a step has fewer micro-batches than ranks. Returns what to say where they do not deal
/// out evenly, "" where they do.
std::string check_ranks(const BatchSection& batch, int ranks);

/// The user's turn, and which tokens are taught, as the config has them.
text::LabelStyle label_style(const TrainConfig& config);

/// The order of the run's samples, cut for one of its ranks.
data::BatchPlan batch_plan(const std::vector<data::ChangeExample>& pairs, const TrainConfig& config, int rank,
                           int ranks);

/// How samples are prepared for this model.
data::LoaderOptions loader_options(const RunModel& run, const TrainConfig& config);

/// Micro-batches of one rank. `pairs` and `run` must outlive it.
data::BatchLoader make_loader(const std::vector<data::ChangeExample>& pairs, const RunModel& run,
                              const TrainConfig& config, data::BatchPlan plan);

/// Steps of the whole run.
int64_t total_steps(const TrainConfig& config, int64_t batches_per_epoch);

TensorBatch to_tensors(data::MicroBatch&& batch, int64_t side, const at::TensorOptions& options);

}  // namespace ccexpert::train
