// Data of a run: pairs, their order, micro-batches as tensors.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/train/config.h>

#include "data/shared/loader.h"
#include "train/run_model.h"
#include "train/training_step.h"

namespace ccexpert::train {

/// Reads a data list (.yaml, .yml) or annotations.
std::vector<data::ChangeExample> read_examples(const std::string& file, const TrainConfig& config);

/// Returns the training pairs of the config; with `flatten_unique`, equal captions of a pair count once.
/// Throws Error if its losses need masks or class maps that no pair has.
std::vector<data::ChangeExample> training_pairs(const TrainConfig& config);

/// Returns a checksum of the content that a sample order refers to: uids, captions and repeats of the pairs,
/// in order. Images may be moved.
std::string sum_of_pairs(const std::vector<data::ChangeExample>& pairs);

/// Throws Error if a step has fewer micro-batches than ranks. Returns a warning if they do not divide evenly
/// between ranks, else "".
std::string check_ranks(const BatchSection& batch, int ranks);

/// Returns the part of the run's sample order that belongs to one rank.
data::BatchPlan batch_plan(const std::vector<data::ChangeExample>& pairs, const TrainConfig& config, int rank,
                           int ranks);

/// Returns the options for preparing samples for this model.
data::LoaderOptions loader_options(const RunModel& run, const TrainConfig& config);

/// Returns a loader of one rank's micro-batches. `pairs` and `run` must outlive it.
data::BatchLoader make_loader(const std::vector<data::ChangeExample>& pairs, const RunModel& run,
                              const TrainConfig& config, data::BatchPlan plan);

/// Returns the number of steps of the whole run.
int64_t total_steps(const TrainConfig& config, int64_t batches_per_epoch);

TensorBatch to_tensors(data::MicroBatch&& batch, int64_t side, const at::TensorOptions& options);

}  // namespace ccexpert::train
