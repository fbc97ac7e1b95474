#include "datasets/words.h"

#include <algorithm>
#include <cctype>

#include "core/ascii.h"

namespace ccexpert::datasets {
namespace {

/// True for letters, digits and every byte of other scripts.
bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

}  // namespace

std::vector<std::string> words_of(std::string_view caption) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string> words;
  while (!caption.empty()) {
    const auto start = std::min(caption.find_first_not_of(kBlanks), caption.size());
    caption.remove_prefix(start);
    auto part = caption.substr(0, caption.find_first_of(kBlanks));
    caption.remove_prefix(part.size());
    while (!part.empty() && !in_word(part.front())) part.remove_prefix(1);
    while (!part.empty() && !in_word(part.back())) part.remove_suffix(1);
    if (!part.empty()) words.push_back(ascii_lower_case(part));
  }
  return words;
}

}  // namespace ccexpert::datasets
