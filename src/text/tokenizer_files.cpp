#include "text/tokenizer_files.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/files.h"
#include "core/text_file.h"
#include "text/shared/pre_tokenizer.h"
#include "text/tokenizer_json.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kTokenizerFile = "tokenizer.json";
constexpr const char* kVocabularyFile = "vocab.json";
constexpr const char* kMergesFile = "merges.txt";
constexpr const char* kConfigFile = "tokenizer_config.json";
constexpr const char* kAddedFile = "added_tokens.json";

/// Returns the pattern of a Split before ByteLevel, the only supported kind of pre-tokenizer.
std::string split_pattern(const json& root, std::string_view source) {
  const auto& pre = member(root, "pre_tokenizer", source);
  expect_type(pre, "Sequence", "pre-tokenizer", source);
  const auto& steps = member(pre, "pretokenizers", source);
  if (!steps.is_array() || steps.size() != 2)
    fail_expected({source, "two pre-tokenizer steps",
                   steps.is_array() ? std::to_string(steps.size()) : json_shown(steps)});
  expect_type(steps[0], "Split", "first pre-tokenizer step", source);
  expect_type(steps[1], "ByteLevel", "second pre-tokenizer step", source);
  const bool plain = json_value(steps[0], "behavior", std::string(), source) == "Isolated" &&
                     !json_value(steps[0], "invert", false, source) &&
                     !json_value(steps[1], "add_prefix_space", false, source);
  if (!plain) fail_expected({source, "a Split that isolates, and no prefix space", steps.dump()});
  const auto& pattern = member(member(steps[0], "pattern", source), "Regex", source);
  if (!pattern.is_string()) fail_expected({source, "a pattern as a string", json_shown(pattern)});
  return pattern.get<std::string>();
}

TokenizerFiles parse_tokenizer_json(std::string_view text, const std::string& source) {
  TokenizerFiles files;
  files.source = files.merges_source = source;
  const json root = parse_json(text, source);
  const auto& model = member(root, "model", source);
  expect_type(model, "BPE", "model", source);
  expect_type(optional_member(root, "normalizer", json::object(), source), "NFC", "normalizer", source);
  files.pattern = split_pattern(root, source);
  files.vocabulary = read_vocabulary(member(model, "vocab", source), source);
  const auto& merges = member(model, "merges", source);
  if (!merges.is_array()) fail_expected({source, "an array of merges", json_shown(merges)});
  for (const auto& merge : merges) files.merges.push_back(parse_merge(merge, source));
  files.added = added_tokens_of(root, source);
  return files;
}

void parse_merges(std::string_view text, const std::string& source, TokenizerFiles& files) {
  files.merges_source = source;
  size_t line_number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    auto line = text.substr(start, end - start);
    start = end + 1;
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (line_number == 1 && line.starts_with("#version"))) continue;
    if (files.first_merge_line == 0) files.first_merge_line = line_number;
    files.merges.push_back(parse_merge(json(line), fmt::format("{}:{}", source, line_number)));
  }
}

std::optional<std::string> text_if_there(const fs::path& path) {
  return is_there(path) ? std::optional(read_text_file(path)) : std::nullopt;
}

}  // namespace

TokenizerFiles parse_tokenizer_files(const TokenizerTexts& texts, const std::string& folder) {
  const auto path_of = [&](const char* name) { return (fs::path(folder) / name).string(); };
  if (texts.tokenizer) return parse_tokenizer_json(*texts.tokenizer, path_of(kTokenizerFile));
  if (!texts.vocabulary || !texts.merges) {
    fail_expected({folder, "tokenizer.json, or vocab.json and merges.txt", "neither",
                   "copy the tokenizer files of the base model into the checkpoint folder"});
  }
  TokenizerFiles files;
  files.source = path_of(kVocabularyFile);
  files.pattern = kQwen2Pattern;
  files.vocabulary = read_vocabulary(parse_json(*texts.vocabulary, files.source), files.source);
  parse_merges(*texts.merges, path_of(kMergesFile), files);
  files.added = parse_added_tokens(texts, folder);
  return files;
}

TokenizerFiles read_tokenizer_files(const fs::path& folder) {
  TokenizerTexts texts{.tokenizer = text_if_there(folder / kTokenizerFile)};
  if (!texts.tokenizer) {
    texts = {.vocabulary = text_if_there(folder / kVocabularyFile),
             .merges = text_if_there(folder / kMergesFile),
             .config = text_if_there(folder / kConfigFile),
             .added = text_if_there(folder / kAddedFile)};
  }
  return parse_tokenizer_files(texts, folder.string());
}

}  // namespace ccexpert::text
