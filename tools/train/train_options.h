// The command line of ccexpert-train.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ccexpert::tools {

struct TrainCommand {
  std::filesystem::path config;
  std::vector<std::string> overrides;  ///< "section.key=value"
  int processes = 0;                   ///< --nproc; 0: this process is all there is, or a launcher started it
  bool plan = false;
  int plan_ranks = 0;                 ///< 0: those of the run
  std::filesystem::path export_from;  ///< --export, or empty
  std::filesystem::path export_to;    ///< --to
  std::string export_dtype = "bfloat16";
  double export_shard_mb = 5000.0;
  bool quiet = false;
};

/// What to do after the command line was read: run, or print `text` and leave with `exit_code`.
struct ParsedTrainCommand {
  TrainCommand command;
  std::optional<int> exit_code;
  std::string text;  ///< for standard output where exit_code is 0, else for standard error
};

/// Never throws for wrong arguments: they become an exit code of 2 and one line of text.
ParsedTrainCommand parse_train_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools
