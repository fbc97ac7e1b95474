#include "text/tokenizer_files.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/json.h"
#include "core/text_file.h"
#include "text/shared/pre_tokenizer.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kTokenizerFile = "tokenizer.json";
constexpr const char* kVocabularyFile = "vocab.json";
constexpr const char* kMergesFile = "merges.txt";
constexpr const char* kConfigFile = "tokenizer_config.json";
constexpr const char* kAddedFile = "added_tokens.json";

// Published vocabularies end below 300,000; a larger id is damage, and tables are as long as the largest id.
constexpr int64_t kLargestId = int64_t{1} << 20;
// Encoding compares each position of a text with all added tokens.
constexpr size_t kMostAddedTokens = 20'000;

const json& member(const json& object, const char* key, std::string_view source) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end())
    fail_expected(
        {source, fmt::format("a member \"{}\"", key), object.is_object() ? "none" : json_shown(object)});
  return *found;
}

/// Returns the member, or `empty` if it is absent or null. Throws Error for another type.
json optional_member(const json& object, const char* key, json empty, std::string_view source) {
  if (!object.is_object()) fail_expected({source, "a JSON object", json_shown(object)});
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return empty;
  if (found->type() != empty.type())
    fail_expected({fmt::format("{}: {}", source, key), empty.is_array() ? "an array" : "an object",
                   json_shown(*found)});
  return *found;
}

int64_t checked_id(const json& value, std::string_view source) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > kLargestId)
    fail_expected({source, fmt::format("token ids from 0 to {}", kLargestId), json_shown(value)});
  return value.get<int64_t>();
}

void read_vocabulary(const json& object, TokenizerFiles& files) {
  if (!object.is_object() || object.empty())
    fail_expected(
        {files.source, "a vocabulary of tokens and ids", object.is_object() ? "none" : json_shown(object)});
  files.vocabulary.reserve(object.size());
  for (const auto& [token, id] : object.items()) files.vocabulary[token] = checked_id(id, files.source);
}

/// Collector of added tokens; the first token of an id wins.
class AddedTokens {
 public:
  explicit AddedTokens(TokenizerFiles& files) : files_(files) {}

  void add(int64_t id, const json& description, std::string_view source) {
    const auto text = json_value(description, "content", std::string(), source);
    if (text.empty())
      fail_expected({source, "a string for each added token", fmt::format("none for id {}", id)});
    const bool special = json_value(description, "special", false, source);
    if (!known_.insert(id).second) return;
    if (known_.size() > kMostAddedTokens)
      fail_expected({source, fmt::format("at most {} added tokens", kMostAddedTokens), "more"});
    files_.added.push_back({id, text, special});
  }

 private:
  TokenizerFiles& files_;
  std::unordered_set<int64_t> known_;
};

/// Parses a merge: one string with a space between the tokens, or a list of two strings.
std::pair<std::string, std::string> parse_merge(const json& value, std::string_view source) {
  if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
    return {value[0].get<std::string>(), value[1].get<std::string>()};
  }
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  const auto blank = text.find(' ');
  if (blank == 0 || blank == std::string::npos || blank + 1 == text.size()) {
    fail_expected({source, "merges of two tokens", json_shown(value)});
  }
  return {text.substr(0, blank), text.substr(blank + 1)};
}

void expect_type(const json& part, const char* type, std::string_view what, std::string_view source) {
  const auto found = json_value(part, "type", std::string("none"), source);
  if (found != type) fail_expected({source, fmt::format("a {} of type {}", what, type), found});
}

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
  read_vocabulary(member(model, "vocab", source), files);
  const auto& merges = member(model, "merges", source);
  if (!merges.is_array()) fail_expected({source, "an array of merges", json_shown(merges)});
  for (const auto& merge : merges) files.merges.push_back(parse_merge(merge, source));
  AddedTokens added(files);
  for (const auto& token : optional_member(root, "added_tokens", json::array(), source))
    added.add(checked_id(member(token, "id", source), source), token, source);
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

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
}

void parse_added_tokens(const TokenizerTexts& texts, const std::string& folder, TokenizerFiles& files) {
  AddedTokens tokens(files);
  if (texts.config) {
    const auto source = (fs::path(folder) / kConfigFile).string();
    const auto described =
        optional_member(parse_json(*texts.config, source), "added_tokens_decoder", json::object(), source);
    for (const auto& [id, token] : described.items()) {
      if (!is_number(id)) fail_expected({source, "token ids in added_tokens_decoder", id});
      tokens.add(checked_id(json(std::stoll(id)), source), token, source);
    }
  }
  if (texts.added) {
    const auto source = (fs::path(folder) / kAddedFile).string();
    const json added = parse_json(*texts.added, source);
    if (!added.is_object()) fail_expected({source, "a JSON object of tokens and ids", json_shown(added)});
    for (const auto& [text, id] : added.items())
      tokens.add(checked_id(id, source), {{"content", text}, {"special", true}}, source);
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
  read_vocabulary(parse_json(*texts.vocabulary, files.source), files);
  parse_merges(*texts.merges, path_of(kMergesFile), files);
  parse_added_tokens(texts, folder, files);
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
