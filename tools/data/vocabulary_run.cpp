#include "data/vocabulary_run.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/data/change_dataset.h>
#include <ccexpert/text/prompt.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/option_group.h"
#include "core/files.h"
#include "text/shared/vocabulary.h"

namespace ccexpert::tools {
namespace {

/// Repeats of the prompt in the training texts, so that each of its words becomes one token.
constexpr size_t kPromptWeight = 1000;

std::vector<std::string> prompt_texts() {
  std::vector<std::string> texts;
  for (size_t i = 0; i < kPromptWeight; ++i) texts.push_back(text::chat_prompt(text::kReferenceQuestion, {}));
  return texts;
}

}  // namespace

void add_vocabulary_options(CLI::App& app, VocabularyCommand& command) {
  app.add_option("--data", command.data, "annotations whose captions are used for learning")
      ->transform(input_file())
      ->type_name("FILE...");
  app.add_option("-o,--out", command.out, "folder for vocab.json, merges.txt and the other tokenizer files")
      ->type_name("DIR");
  OptionGroup(app).value("--size", command.size, "number of tokens besides the special ones",
                         in_range(256, 200'000));
}

void check(const VocabularyCommand& command) {
  if (command.data.empty()) throw Error("--data: expected annotations, got none");
  if (command.out.empty()) throw Error("--out: expected a folder, got none");
}

int run_vocabulary(const VocabularyCommand& command) {
  auto texts = prompt_texts();
  for (const auto& file : command.data) {
    for (const auto& pair : data::read_change_dataset(file)) {
      texts.insert(texts.end(), pair.captions.begin(), pair.captions.end());
    }
  }
  const auto vocabulary = text::learn_vocabulary(texts, command.size);
  make_folder(command.out);
  text::write_vocabulary(vocabulary, command.out);
  fmt::print("{} tokens from {} captions\n", vocabulary.tokens.size(), texts.size() - kPromptWeight);
  return kSuccess;
}

}  // namespace ccexpert::tools
