// The command line of ccexpert-train.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/core/precision.h>
#include <ccexpert/io/layout.h>

#include "common/command_line.h"

namespace ccexpert::tools {

struct TrainCommand {
  std::filesystem::path config;
  std::vector<std::string> overrides;  ///< "section.key=value"
  std::filesystem::path sweep;         ///< --sweep, or empty
  int64_t row = 0;                     ///< --row, from 1; 0: all
  int processes = 0;                   ///< --nproc; 0: a single process, or started by a launcher
  bool plan = false;
  int plan_ranks = 0;                    ///< 0: as many as the run has
  std::filesystem::path export_from;     ///< --export, or empty
  std::filesystem::path export_to;       ///< --to
  std::filesystem::path export_adapter;  ///< --adapter, or empty
  Precision export_dtype = Precision::kBfloat16;
  io::CheckpointLayout export_layout = io::CheckpointLayout::kAuthors;
  double export_shard_mb = 5000.0;
  std::vector<std::filesystem::path> average;  ///< --average, or nothing
  std::filesystem::path average_to;            ///< -o
  std::vector<double> average_weights;         ///< --weights; empty: equal
  std::filesystem::path vision;                ///< --vision, or empty
  std::filesystem::path decoder;               ///< --decoder, or empty
  int64_t image_size = 0;                      ///< --image-size; 0: the tower's
  bool quiet = false;
};

struct ParsedTrainCommand : Leave {
  TrainCommand command = {};
};

/// Never throws for wrong arguments: they give exit code 2 and one line of text.
ParsedTrainCommand parse_train_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools
