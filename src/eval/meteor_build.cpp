// Builder of the index from METEOR's files.
#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"
#include "core/files.h"
#include "eval/hash.h"
#include "eval/meteor_index.h"
#include "eval/meteor_index_file.h"
#include "eval/meteor_source.h"
#include "eval/words.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;

/// Data of a Lists under construction.
template <class Value>
struct OwnedLists {
  std::vector<uint64_t> keys;
  std::vector<uint32_t> offsets;
  std::vector<Value> values;
};

/// Converts (key, value) pairs in any order to sorted lists with each value once.
template <class Value>
OwnedLists<Value> to_lists(std::vector<std::pair<uint64_t, Value>> pairs) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  OwnedLists<Value> lists;
  for (const auto& [key, value] : pairs) {
    if (lists.keys.empty() || lists.keys.back() != key) {
      lists.keys.push_back(key);
      lists.offsets.push_back(static_cast<uint32_t>(lists.values.size()));
    }
    lists.values.push_back(value);
  }
  lists.offsets.push_back(static_cast<uint32_t>(lists.values.size()));
  return lists;
}

uint32_t synset_of(std::string_view text, const fs::path& path, size_t line) {
  uint32_t number = 0;
  const auto* begin = text.data();
  const auto* end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || stop != end)
    fail_expected({fmt::format("{}: line {}", path.string(), line + 1), "numbers of synsets", text});
  return number;
}

/// Reads pairs of lines: a word, then its synsets.
OwnedLists<uint32_t> read_synsets(const fs::path& path) {
  const auto lines = paired_lines_of(path);
  std::vector<std::pair<uint64_t, uint32_t>> pairs;
  for (size_t i = 0; i + 1 < lines.size(); i += 2) {
    for (const auto synset : split_words(lines[i + 1]))
      pairs.emplace_back(word_hash(lines[i]), synset_of(synset, path, i + 1));
  }
  return to_lists(std::move(pairs));
}

/// Reads pairs of lines: a base form, then its irregular forms.
OwnedLists<uint64_t> read_irregular(const fs::path& path) {
  const auto lines = paired_lines_of(path);
  std::vector<std::pair<uint64_t, uint64_t>> pairs;
  for (size_t i = 0; i + 1 < lines.size(); i += 2) {
    for (const auto form : split_words(lines[i + 1]))
      pairs.emplace_back(word_hash(form), word_hash(lines[i]));
  }
  return to_lists(std::move(pairs));
}

std::vector<uint64_t> read_function_words(const fs::path& path) {
  std::vector<uint64_t> hashes;
  for (const auto& word : lines_of(path)) hashes.push_back(word_hash(word));
  expect_some(hashes.size(), path, "function words");
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

/// Hasher of phrases.
class PhraseHasher {
 public:
  uint64_t operator()(std::string_view phrase) {
    words_.clear();
    for (const auto word : split_blanks(phrase)) {
      if (!word.empty()) words_.push_back(word_hash(word));
    }
    return phrase_hash(words_);
  }

 private:
  std::vector<uint64_t> words_;
};

/// Consecutive paraphrases of one phrase.
struct Run {
  uint64_t phrase;
  size_t first, last;  ///< range in the list of all paraphrases
};

struct RawParaphrases {
  std::vector<Run> runs;
  std::vector<uint64_t> paraphrases;  ///< hashes
};

/// Limit of paraphrases: METEOR 1.5 has five million, offsets have 32 bits, and a small file can unpack to
/// any size.
constexpr size_t kMostParaphrases = 100'000'000;

/// Reads entries of three lines: a probability, a phrase, a paraphrase.
RawParaphrases read_paraphrases(const fs::path& path) {
  RawParaphrases raw;
  GzipLines lines(path);
  PhraseHasher hash;
  std::string_view line;
  std::string last;
  while (lines.next(line)) {
    if (!lines.next(line)) fail(path.string(), "ends within an entry");
    if (raw.runs.empty() || line != last) {
      last = line;
      raw.runs.push_back({hash(line), raw.paraphrases.size(), raw.paraphrases.size()});
    }
    if (!lines.next(line)) fail(path.string(), "ends within an entry");
    raw.paraphrases.push_back(hash(line));
    if (raw.paraphrases.size() > kMostParaphrases)
      fail_expected({path.string(), fmt::format("at most {} paraphrases", kMostParaphrases), "more"});
    raw.runs.back().last = raw.paraphrases.size();
  }
  expect_some(raw.paraphrases.size(), path, "paraphrases");
  return raw;
}

std::vector<uint64_t> all_phrases(const RawParaphrases& raw) {
  std::vector<uint64_t> phrases = raw.paraphrases;
  for (const auto& run : raw.runs) phrases.push_back(run.phrase);
  std::sort(phrases.begin(), phrases.end());
  phrases.erase(std::unique(phrases.begin(), phrases.end()), phrases.end());
  return phrases;
}

OwnedLists<uint32_t> to_lists(RawParaphrases raw) {
  OwnedLists<uint32_t> lists;
  lists.keys = all_phrases(raw);
  std::sort(raw.runs.begin(), raw.runs.end(), [](const Run& a, const Run& b) {
    return std::pair(a.phrase, a.first) < std::pair(b.phrase, b.first);
  });
  lists.offsets.reserve(lists.keys.size() + 1);
  lists.values.reserve(raw.paraphrases.size());
  auto run = raw.runs.begin();
  for (const uint64_t phrase : lists.keys) {
    const auto start = static_cast<std::ptrdiff_t>(lists.values.size());
    lists.offsets.push_back(static_cast<uint32_t>(start));
    for (; run != raw.runs.end() && run->phrase == phrase; ++run) {
      for (size_t i = run->first; i < run->last; ++i) {
        const auto place = std::lower_bound(lists.keys.begin(), lists.keys.end(), raw.paraphrases[i]);
        lists.values.push_back(static_cast<uint32_t>(place - lists.keys.begin()));
      }
    }
    std::sort(lists.values.begin() + start, lists.values.end());
    lists.values.erase(std::unique(lists.values.begin() + start, lists.values.end()), lists.values.end());
  }
  lists.offsets.push_back(static_cast<uint32_t>(lists.values.size()));
  return lists;
}

/// Writes sections in the order of the enum.
class IndexWriter {
 public:
  explicit IndexWriter(const fs::path& path) : file_(path) {}

  template <class Value>
  void add(const std::vector<Value>& values) {
    add(values.data(), values.size() * sizeof(Value));
  }
  template <class Value>
  void add(const OwnedLists<Value>& lists) {
    add(lists.keys);
    add(lists.offsets);
    add(lists.values);
  }
  void add(const void* data, size_t bytes) {
    header_.bytes.at(sections_.size()) = bytes;
    sections_.emplace_back(static_cast<const std::byte*>(data), bytes);
  }

  void commit(uint64_t source_key) {
    header_.source_key = source_key;
    header_.hash = index_hash(header_, sections_);
    write(&header_, sizeof(header_));
    for (const auto section : sections_) write(section.data(), section.size());
    file_.commit();
  }

 private:
  void write(const void* data, size_t bytes) {
    constexpr std::array<char, 8> kZeros{};
    file_.write(data, bytes);
    file_.write(kZeros.data(), padded(bytes) - bytes);
  }

  AtomicFile file_;
  IndexHeader header_;
  std::vector<std::span<const std::byte>> sections_;
};

}  // namespace

void build_meteor_index(const fs::path& folder, const fs::path& file) {
  const uint64_t key = meteor_source_key(folder);
  expect_original_tables(folder);
  const auto paraphrases = to_lists(read_paraphrases(folder / kParaphrasesFile));
  const auto synsets = read_synsets(folder / kSynsetsFile);
  const auto irregular = read_irregular(folder / kIrregularFile);
  const auto function_words = read_function_words(folder / kFunctionFile);
  const auto abbreviations = read_file(folder / kAbbreviationsFile);
  expect_some(abbreviations.size(), folder / kAbbreviationsFile, "abbreviations");
  IndexWriter writer(file);
  writer.add(paraphrases);
  writer.add(synsets);
  writer.add(irregular);
  writer.add(function_words);
  writer.add(abbreviations.data(), abbreviations.size());
  writer.commit(key);
}

}  // namespace ccexpert::eval
