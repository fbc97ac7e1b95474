// Settings in a tokenizer.model of sentencepiece, read before libsentencepiece gets the file.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::text {

struct SentencepieceSettings {
  bool leads_with_space = true;  ///< a space is put before a text
};

/// Throws the Error of a file that is damaged or cut, naming `source`.
[[noreturn]] void fail_damaged_sentencepiece(const std::string& source);

/// Reads the settings. Throws Error, naming `source`, for a damaged or cut file and for a model of another
/// kind than BPE without normalisation: libsentencepiece follows a map of characters without checking it.
SentencepieceSettings read_sentencepiece_settings(std::string_view bytes, const std::string& source);

}  // namespace ccexpert::text
