/// Splitting of text into the words for BPE.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace ccexpert::text {

/// Qwen2's pattern, for tokenizers without a tokenizer.json.
extern const std::string_view kQwen2Pattern;

class PreTokenizer {
 public:
  /// Compiles a pattern of tokenizer.json; `source` (a file name) starts the Error for an invalid pattern.
  PreTokenizer(std::string_view pattern, std::string_view source);
  ~PreTokenizer();

  /// Calls `word` for every match and for every span between matches, in order, without loss. `utf8` must be
  /// valid.
  void split(std::string_view utf8, const std::function<void(std::string_view)>& word) const;

 private:
  struct Code;
  std::unique_ptr<const Code> code_;
};

}  // namespace ccexpert::text
