// Cuts text into the words that BPE works on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace ccexpert::text {

/// Qwen2's pattern, for tokenizers that come without a tokenizer.json.
extern const std::string_view kQwen2Pattern;

class PreTokenizer {
 public:
  /// Compiles a pattern of tokenizer.json; `source` (a file name) begins the Error of one that is none.
  PreTokenizer(std::string_view pattern, std::string_view source);
  ~PreTokenizer();

  /// Calls `word` for every match and for every stretch between matches, in order, without loss. `utf8` must
  /// be valid.
  void split(std::string_view utf8, const std::function<void(std::string_view)>& word) const;

 private:
  struct Code;
  std::unique_ptr<const Code> code_;
};

}  // namespace ccexpert::text
