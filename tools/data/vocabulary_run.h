// ccexpert-data vocabulary.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ccexpert::tools {

struct VocabularyCommand {
  std::vector<std::filesystem::path> data;
  std::filesystem::path out;
  int64_t size = 1024;
};

void add_vocabulary_options(CLI::App& app, VocabularyCommand& command);

/// Checks the options together. Throws Error.
void check(const VocabularyCommand& command);

/// Learns from the captions and the prompt, writes the tokenizer's files and returns the exit code. Throws
/// Error.
int run_vocabulary(const VocabularyCommand& command);

}  // namespace ccexpert::tools
