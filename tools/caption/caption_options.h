// The command line of ccexpert-caption.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/data/pairs.h>
#include <ccexpert/data/predictions.h>

namespace ccexpert::tools {

struct CaptionCommand {
  std::filesystem::path model;
  CaptionerConfig captioner;

  std::vector<std::filesystem::path> images;  ///< BEFORE and AFTER, or nothing
  std::filesystem::path pairs;                ///< --pairs, or empty
  std::filesystem::path image_root;
  std::filesystem::path before_folder;  ///< --before, or empty
  std::filesystem::path after_folder;

  std::filesystem::path output;  ///< empty: standard output
  std::string format = "text";
  bool resume = false;
  bool overwrite = false;
  bool stream = false;
  bool quiet = false;
  bool timings = false;
  std::filesystem::path timings_file;

  std::string prompt;
  std::string prompt_style = "reference";
  GenerationOptions generation;
  int64_t batch_size = 8;

  bool single_pair() const { return !images.empty(); }
};

/// What to do after the command line was read: run, or print `text` and leave with `exit_code`.
struct ParsedCaptionCommand {
  CaptionCommand command;
  std::optional<int> exit_code;
  std::string text;  ///< for standard output where exit_code is 0, else for standard error
};

/// Never throws for wrong arguments: they become an exit code of 2 and one line of text.
ParsedCaptionCommand parse_caption_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools
