#include "text/shared/vocabulary.h"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "text/byte_alphabet.h"
#include "text/shared/pre_tokenizer.h"
#include "text/shared/unicode.h"

namespace ccexpert::text {
namespace {

using nlohmann::ordered_json;
using Pair = std::pair<std::string, std::string>;

constexpr int64_t kBytes = 256;
constexpr const char* kSpecialTokens[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};

/// Word as its current tokens, and its number of occurrences in the texts.
struct Word {
  std::vector<std::string> parts;
  int64_t count = 0;
};

std::vector<Word> count_words(std::span<const std::string> texts) {
  const PreTokenizer cut(kQwen2Pattern, "Qwen2's pattern");
  std::map<std::string, int64_t> counts;
  for (const auto& text : texts)
    cut.split(normalize(text), [&](std::string_view word) { ++counts[std::string(word)]; });
  std::vector<Word> words;
  for (const auto& [text, count] : counts) {
    Word word{.parts = {}, .count = count};
    for (const char byte : text) word.parts.emplace_back(1, byte);
    words.push_back(std::move(word));
  }
  return words;
}

/// Returns the most frequent neighbours (among equals, the first in byte order) and their count; a count
/// below 2 means that no pair is left to merge.
std::pair<Pair, int64_t> most_frequent(const std::vector<Word>& words) {
  std::map<Pair, int64_t> counts;
  for (const auto& word : words) {
    for (size_t i = 0; i + 1 < word.parts.size(); ++i)
      counts[{word.parts[i], word.parts[i + 1]}] += word.count;
  }
  std::pair<Pair, int64_t> best{{}, 0};
  for (const auto& [pair, count] : counts) {
    if (count > best.second) best = {pair, count};
  }
  return best;
}

void merge(std::vector<std::string>& parts, const Pair& pair) {
  std::vector<std::string> merged;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool joins = i + 1 < parts.size() && parts[i] == pair.first && parts[i + 1] == pair.second;
    merged.push_back(joins ? pair.first + pair.second : std::move(parts[i]));
    i += joins ? 1 : 0;
  }
  parts = std::move(merged);
}

ordered_json special_token(const char* text) {
  return {{"content", text}, {"lstrip", false},      {"normalized", false},
          {"rstrip", false}, {"single_word", false}, {"special", true}};
}

ordered_json tokenizer_config(size_t first_special) {
  ordered_json added;
  for (const char* text : kSpecialTokens) added[std::to_string(first_special++)] = special_token(text);
  return {{"add_prefix_space", false},
          {"added_tokens_decoder", added},
          {"additional_special_tokens", {kSpecialTokens[1], kSpecialTokens[2]}},
          {"bos_token", nullptr},
          {"clean_up_tokenization_spaces", false},
          {"eos_token", kSpecialTokens[2]},
          {"errors", "replace"},
          {"model_max_length", 32768},
          {"pad_token", kSpecialTokens[0]},
          {"tokenizer_class", "Qwen2Tokenizer"},
          {"unk_token", nullptr}};
}

}  // namespace

Vocabulary learn_vocabulary(std::span<const std::string> texts, int64_t size) try {
  if (size < kBytes) fail_expected({"vocabulary", "at least 256 tokens, one a byte", std::to_string(size)});
  Vocabulary vocabulary;
  for (int64_t byte = 0; byte < kBytes; ++byte) vocabulary.tokens.emplace_back(1, static_cast<char>(byte));
  auto words = count_words(texts);
  while (std::ssize(vocabulary.tokens) < size) {
    const auto [pair, count] = most_frequent(words);
    if (count < 2) break;
    for (auto& word : words) merge(word.parts, pair);
    vocabulary.tokens.push_back(pair.first + pair.second);
    vocabulary.merges.push_back(pair);
  }
  return vocabulary;
} catch (...) {
  rethrow_as_error();
}

void write_vocabulary(const Vocabulary& vocabulary, const std::filesystem::path& folder) try {
  ordered_json ids, added;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) ids[to_byte_alphabet(vocabulary.tokens[id])] = id;
  size_t next = vocabulary.tokens.size();
  for (const char* text : kSpecialTokens) added[text] = next++;
  std::string merges = "#version: 0.2\n";
  for (const auto& [left, right] : vocabulary.merges) {
    merges += to_byte_alphabet(left) + " " + to_byte_alphabet(right) + "\n";
  }
  write_file(folder / "vocab.json", ids.dump() + "\n");
  write_file(folder / "merges.txt", merges);
  write_file(folder / "added_tokens.json", added.dump(1) + "\n");
  write_file(folder / "tokenizer_config.json", tokenizer_config(vocabulary.tokens.size()).dump(1) + "\n");
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::text
