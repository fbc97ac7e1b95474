// Command line of ccexpert-caption.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/data/pairs.h>
#include <ccexpert/eval/captioned_pair.h>
#include <ccexpert/text/prompt.h>

#include "common/command_line.h"
#include "data/shared/predictions.h"
#include "versions/versions.h"

namespace ccexpert::tools {

/// Option with the number of processes to start.
inline constexpr const char* kProcessesOption = "--nproc";

/// Options about the place of the change.
struct PlaceOptions {
  bool locate = false;
  bool words = false;
  bool check_swap = false;
  bool polygons = false;
  std::filesystem::path overlay;           ///< --overlay, or empty
  std::filesystem::path maps;              ///< --maps, or empty
  std::optional<double> change_threshold;  ///< unset: the model's
  double simplify = 1.0;                   ///< tolerance of polygons in pixels

  bool need_map() const { return locate || polygons || !overlay.empty() || !maps.empty(); }
  bool need_lines() const { return locate || words || check_swap || polygons; }
};

struct CaptionCommand {
  std::filesystem::path model;
  CaptionerConfig captioner;
  bool adapter_apart = false;  ///< --adapter-apart
  int processes = 0;           ///< --nproc; 0: a single process, or started by a launcher
  bool plan = false;           ///< --plan

  std::vector<std::filesystem::path> images;  ///< BEFORE and AFTER, or nothing
  std::filesystem::path pairs;                ///< --pairs, or empty
  std::filesystem::path image_root;
  std::filesystem::path series;         ///< --series, or empty
  std::filesystem::path before_folder;  ///< --before, or empty
  std::filesystem::path after_folder;

  std::filesystem::path output;  ///< empty: standard output
  data::PredictionFormat format = data::PredictionFormat::kText;
  bool resume = false;
  bool overwrite = false;
  bool stream = false;
  bool quiet = false;
  bool timings = false;
  std::filesystem::path timings_file;
  std::filesystem::path report;           ///< page to write, or empty
  std::filesystem::path evaluate;         ///< references for scoring the captions, or empty
  std::string evaluation_split = "test";  ///< split of the references
  eval::Tokenizer evaluation_tokenizer = eval::Tokenizer::kReference;
  std::filesystem::path meteor_data;  ///< empty: the folder of scripts/setup.sh
  bool no_meteor = false;

  std::vector<std::string> prompts;  ///< --prompt, as often as given
  std::string prompt;                ///< the only question; empty: the checkpoint's, or several `prompts`
  text::PromptStyle prompt_style = text::PromptStyle::kUnset;
  generate::GenerationOptions generation;
  int64_t batch_size = 8;
  double keep_tokens = 1.0;
  int64_t draft_tokens = 0;
  std::filesystem::path draft;  ///< captions whose n-grams drafts use, or empty
  PlaceOptions places;

  bool single_pair() const { return !images.empty(); }
};

struct ParsedCaptionCommand : Leave {
  CaptionCommand command = {};
};

/// Parses the command line. Never throws for wrong arguments: they become exit code 2 and one line of text.
/// `version` gives the text of --version.
ParsedCaptionCommand parse_caption_command(int count, const char* const* arguments,
                                           std::string (*version)(const std::string&) = version_text);

}  // namespace ccexpert::tools
