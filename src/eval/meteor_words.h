// Words and sentences with METEOR's data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "eval/meteor_index.h"

struct sb_stemmer;

namespace ccexpert::eval {

struct MeteorWord {
  std::string text;
  uint64_t hash = 0;
  uint32_t stem = 0;  ///< number of the stem, equal for words with the same stem
  bool is_function_word = false;
  std::vector<uint32_t> synsets;  ///< of the word and its base forms, ascending
};

/// Words from `start` that are a phrase of the paraphrase table.
struct MeteorPhrase {
  uint32_t start;
  uint32_t length;
  uint32_t place;  ///< index in the index's paraphrases
};

struct MeteorSentence {
  std::vector<uint32_t> words;                ///< word numbers, equal for equal words
  std::vector<MeteorPhrase> phrases;          ///< by start, then length
  std::vector<MeteorPhrase> phrases_by_text;  ///< by their words as text, then start
};

/// Cache that looks up every word and every sentence once.
class MeteorVocabulary {
 public:
  explicit MeteorVocabulary(std::shared_ptr<const MeteorIndex> index);
  ~MeteorVocabulary();
  MeteorVocabulary(const MeteorVocabulary&) = delete;
  MeteorVocabulary& operator=(const MeteorVocabulary&) = delete;

  /// Returns the sentence, valid as long as the vocabulary.
  const MeteorSentence& sentence(const std::string& text);
  const MeteorWord& word(uint32_t number) const { return words_[number]; }
  const MeteorIndex& index() const { return *index_; }

  /// True if the table lists `paraphrase` as a paraphrase of `phrase`; the reverse may not hold.
  bool has_paraphrase(const MeteorPhrase& phrase, const MeteorPhrase& paraphrase) const;

 private:
  uint32_t number_of(const std::string& word);
  MeteorWord look_up(const std::string& word);
  std::vector<uint32_t> synsets_of(const std::string& word) const;
  std::vector<MeteorPhrase> phrases_of(const std::vector<uint32_t>& words) const;
  std::vector<MeteorPhrase> by_text(const MeteorSentence& sentence) const;

  std::shared_ptr<const MeteorIndex> index_;
  sb_stemmer* stemmer_;
  std::vector<MeteorWord> words_;
  std::unordered_map<std::string, uint32_t> numbers_;
  std::unordered_map<std::string, uint32_t> stems_;
  std::unordered_map<std::string, MeteorSentence> sentences_;
};

/// True if two words have a common synset.
bool are_synonyms(const MeteorWord& one, const MeteorWord& other);

}  // namespace ccexpert::eval
