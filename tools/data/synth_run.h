// ccexpert-data synth.
#pragma once

#include <filesystem>

#include "synth/shared/dataset.h"

namespace CLI {
class App;
}

namespace ccexpert::tools {

struct SynthCommand {
  std::filesystem::path out;
  synth::DatasetOptions options;
  bool quiet = false;
};

void add_synth_options(CLI::App& app, SynthCommand& command);

/// Checks the options together. Throws Error.
void check(const SynthCommand& command);

/// Writes the folder and returns the exit code. Throws Error.
int run_synth(const SynthCommand& command);

}  // namespace ccexpert::tools
