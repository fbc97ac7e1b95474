#include "eval/meteor_words.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <libstemmer.h>

#include <ccexpert/core/error.h>

#include "eval/hash.h"

namespace ccexpert::eval {
namespace {

/// Maximum length of phrases in the paraphrase table.
constexpr size_t kMaxPhrase = 7;

/// WordNet's endings of inflected words and of their base forms; the first that gives a known word applies.
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kEndings{{{"s", ""},
                                                                                  {"ses", "s"},
                                                                                  {"xes", "x"},
                                                                                  {"zes", "z"},
                                                                                  {"ches", "ch"},
                                                                                  {"shes", "sh"},
                                                                                  {"men", "man"},
                                                                                  {"ies", "y"},
                                                                                  {"es", "e"},
                                                                                  {"es", ""},
                                                                                  {"ed", "e"},
                                                                                  {"ed", ""},
                                                                                  {"ing", "e"},
                                                                                  {"ing", ""},
                                                                                  {"er", ""},
                                                                                  {"est", ""},
                                                                                  {"er", "e"},
                                                                                  {"est", "e"}}};

void append(std::vector<uint32_t>& all, std::span<const uint32_t> more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// Synsets of the base form of a regularly inflected word.
std::span<const uint32_t> regular_synsets(const Lists<uint32_t>& synsets, const std::string& word) {
  if (word.size() <= 2 || word.ends_with("ss")) return {};
  for (const auto& [ending, replacement] : kEndings) {
    if (!word.ends_with(ending)) continue;
    const auto base = word.substr(0, word.size() - ending.size()).append(replacement);
    if (const auto place = synsets.find(word_hash(base))) return synsets.at(*place);
  }
  return {};
}

}  // namespace

MeteorVocabulary::MeteorVocabulary(std::shared_ptr<const MeteorIndex> index)
    : index_(std::move(index)), stemmer_(sb_stemmer_new("english", "UTF_8")) {
  if (stemmer_ == nullptr) fail("METEOR", "this libstemmer has no English stemmer");
}

MeteorVocabulary::~MeteorVocabulary() {
  sb_stemmer_delete(stemmer_);
}

const MeteorSentence& MeteorVocabulary::sentence(const std::string& text) {
  const auto known = sentences_.find(text);
  if (known != sentences_.end()) return known->second;
  MeteorSentence sentence;
  for (const auto& word : meteor_words(text, index_->abbreviations()))
    sentence.words.push_back(number_of(word));
  sentence.phrases = phrases_of(sentence.words);
  sentence.phrases_by_text = by_text(sentence);
  return sentences_.emplace(text, std::move(sentence)).first->second;
}

uint32_t MeteorVocabulary::number_of(const std::string& word) {
  const auto [known, is_new] = numbers_.emplace(word, static_cast<uint32_t>(words_.size()));
  if (is_new) words_.push_back(look_up(word));
  return known->second;
}

MeteorWord MeteorVocabulary::look_up(const std::string& word) {
  const auto* bytes = reinterpret_cast<const sb_symbol*>(word.data());
  const auto* stemmed = sb_stemmer_stem(stemmer_, bytes, static_cast<int>(word.size()));
  const std::string stem(reinterpret_cast<const char*>(stemmed),
                         static_cast<size_t>(sb_stemmer_length(stemmer_)));
  const uint64_t hash = word_hash(word);
  return {.text = word,
          .hash = hash,
          .stem = stems_.emplace(stem, static_cast<uint32_t>(stems_.size())).first->second,
          .is_function_word = index_->is_function_word(hash),
          .synsets = synsets_of(word)};
}

std::vector<uint32_t> MeteorVocabulary::synsets_of(const std::string& word) const {
  const auto& synsets = index_->synsets();
  const uint64_t hash = word_hash(word);
  std::vector<uint32_t> all;
  append(all, synsets.of(hash));
  const auto bases = index_->base_forms().of(hash);
  for (const uint64_t base : bases) append(all, synsets.of(base));
  if (bases.empty()) append(all, regular_synsets(synsets, word));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::vector<MeteorPhrase> MeteorVocabulary::phrases_of(const std::vector<uint32_t>& words) const {
  std::vector<uint64_t> hashes;
  for (const uint32_t number : words) hashes.push_back(words_[number].hash);
  std::vector<MeteorPhrase> phrases;
  for (size_t start = 0; start < hashes.size(); ++start) {
    for (size_t length = 1; length <= kMaxPhrase && start + length <= hashes.size(); ++length) {
      const auto place = index_->paraphrases().find(phrase_hash(std::span(hashes).subspan(start, length)));
      if (place) phrases.push_back({static_cast<uint32_t>(start), static_cast<uint32_t>(length), *place});
    }
  }
  return phrases;
}

std::vector<MeteorPhrase> MeteorVocabulary::by_text(const MeteorSentence& sentence) const {
  std::vector<std::pair<std::string, MeteorPhrase>> texts;
  for (const auto& phrase : sentence.phrases) {
    std::string text;
    for (size_t i = 0; i < phrase.length; ++i)
      text.append(words_[sentence.words[phrase.start + i]].text).append(1, ' ');
    texts.emplace_back(std::move(text), phrase);
  }
  std::stable_sort(texts.begin(), texts.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<MeteorPhrase> phrases;
  for (const auto& [text, phrase] : texts) phrases.push_back(phrase);
  return phrases;
}

bool MeteorVocabulary::has_paraphrase(const MeteorPhrase& phrase, const MeteorPhrase& paraphrase) const {
  const auto list = index_->paraphrases().at(phrase.place);
  return std::binary_search(list.begin(), list.end(), paraphrase.place);
}

bool are_synonyms(const MeteorWord& one, const MeteorWord& other) {
  auto a = one.synsets.begin();
  auto b = other.synsets.begin();
  while (a != one.synsets.end() && b != other.synsets.end()) {
    if (*a == *b) return true;
    if (*a < *b) {
      ++a;
    } else {
      ++b;
    }
  }
  return false;
}

}  // namespace ccexpert::eval
