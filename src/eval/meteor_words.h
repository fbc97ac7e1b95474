// What METEOR knows of words and sentences.
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
  uint32_t stem = 0;  ///< words of one stem have one number
  bool is_function_word = false;
  std::vector<uint32_t> synsets;  ///< of the word and its base forms, ascending
};

/// Words that begin at `start` and are a phrase of the paraphrase table.
struct MeteorPhrase {
  uint32_t start;
  uint32_t length;
  uint32_t place;  ///< in the index's paraphrases
};

struct MeteorSentence {
  std::vector<uint32_t> words;                ///< numbers, equal for equal words
  std::vector<MeteorPhrase> phrases;          ///< by start, then length
  std::vector<MeteorPhrase> phrases_by_text;  ///< by their words as text, then start
};

/// Looks every word and every sentence up once.
class MeteorVocabulary {
 public:
  explicit MeteorVocabulary(std::shared_ptr<const MeteorIndex> index);
  ~MeteorVocabulary();
  MeteorVocabulary(const MeteorVocabulary&) = delete;
  MeteorVocabulary& operator=(const MeteorVocabulary&) = delete;

  /// Valid as long as the vocabulary.
  const MeteorSentence& sentence(const std::string& text);
  const MeteorWord& word(uint32_t number) const { return words_[number]; }
  const MeteorIndex& index() const { return *index_; }

  /// Whether the table has `paraphrase` as another way to say `phrase`; it need not have the reverse.
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

/// Whether two words have a synset in common.
bool are_synonyms(const MeteorWord& one, const MeteorWord& other);

}  // namespace ccexpert::eval
