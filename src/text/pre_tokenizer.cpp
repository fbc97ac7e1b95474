#include "text/shared/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <ccexpert/core/error.h>

namespace ccexpert::text {
namespace {

// White_Space of Unicode as class members. PCRE2's own \s also includes U+180E, which has not been white
// space since Unicode 6.3 and which the tokenizers' regular expression engine excludes.
constexpr std::string_view kWhiteSpace = R"(\p{Z}\t-\r\x{85})";

// Published patterns have a few hundred bytes; compiling a hostile one may use unbounded memory.
constexpr size_t kLongestPattern = 10'000;

/// Returns the pattern with \s and \S expanded.
std::string with_unicode_white_space(std::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      in_class = c == '[' || (in_class && c != ']');
      result += c;
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's') {
      result += in_class ? std::string(kWhiteSpace) : fmt::format("[{}]", kWhiteSpace);
    } else if (escaped == 'S' && !in_class) {
      result += fmt::format("[^{}]", kWhiteSpace);
    } else {
      result += {'\\', escaped};
    }
  }
  return result;
}

std::string message_of(int code) {
  std::string text(200, '\0');
  const int length = pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(text.data()), text.size());
  text.resize(length < 0 ? 0 : static_cast<size_t>(length));
  return text;
}

using MatchData = std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)>;

}  // namespace

const std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct PreTokenizer::Code {
  explicit Code(pcre2_code* compiled) : value(compiled) {}
  ~Code() { pcre2_code_free(value); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* value;
};

PreTokenizer::PreTokenizer(std::string_view pattern, std::string_view source) {
  if (pattern.size() > kLongestPattern)
    fail_expected({source, fmt::format("a pattern of at most {} bytes", kLongestPattern),
                   fmt::format("{} bytes", pattern.size())});
  const std::string spelled = with_unicode_white_space(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(),
                                 PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (compiled == nullptr) {
    fail_expected({source, "a regular expression for its pre-tokenizer", pattern, message_of(error)});
  }
  // Without the just-in-time compiler the pattern still works, only slower.
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
  code_ = std::make_unique<Code>(compiled);
}

PreTokenizer::~PreTokenizer() = default;

void PreTokenizer::split(std::string_view utf8, const std::function<void(std::string_view)>& word) const {
  const MatchData match(pcre2_match_data_create_from_pattern(code_->value, nullptr), pcre2_match_data_free);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(utf8.data());
  size_t start = 0;
  while (start < utf8.size()) {
    const int found =
        pcre2_match(code_->value, subject, utf8.size(), start, PCRE2_NO_UTF_CHECK, match.get(), nullptr);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) fail("pre-tokenizer", message_of(found));
    const auto* place = pcre2_get_ovector_pointer(match.get());
    // An empty match, or a match that \K moved back, would repeat without end.
    if (found == PCRE2_ERROR_NOMATCH || place[1] <= place[0] || place[0] < start) break;
    if (place[0] > start) word(utf8.substr(start, place[0] - start));
    word(utf8.substr(place[0], place[1] - place[0]));
    start = place[1];
  }
  if (start < utf8.size()) word(utf8.substr(start));
}

}  // namespace ccexpert::text
