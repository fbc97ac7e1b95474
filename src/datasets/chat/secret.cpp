#include "datasets/chat/secret.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ccexpert::datasets {
namespace {

/// Escaped character and the length of its escape sequence.
struct Escape {
  char character = 0;
  size_t length = 0;
};

/// Parses `digits` as an ASCII character; nothing for other characters, because keys are ASCII.
std::optional<char> character_of(std::string_view digits, int base) {
  unsigned code = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
  if (problem != std::errc() || end != digits.data() + digits.size() || code >= 0x80) return std::nullopt;
  return static_cast<char>(code);
}

/// Parses a JSON escape with any number of backslashes, because nested texts are escaped several times.
std::optional<Escape> json_escape(std::string_view text) {
  const auto slashes = std::min(text.find_first_not_of('\\'), text.size());
  if (slashes == 0 || slashes == text.size()) return std::nullopt;
  if (text[slashes] == '/' || text[slashes] == '"') return Escape{text[slashes], slashes + 1};
  if (text[slashes] != 'u' || text.size() < slashes + 5) return std::nullopt;
  const auto character = character_of(text.substr(slashes + 1, 4), 16);
  return character ? std::optional(Escape{*character, slashes + 5}) : std::nullopt;
}

std::optional<Escape> percent_escape(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return std::nullopt;
  const auto character = character_of(text.substr(1, 2), 16);
  return character ? std::optional(Escape{*character, 3}) : std::nullopt;
}

std::optional<Escape> html_escape(std::string_view text) {
  constexpr size_t kLongest = 10;
  if (!text.starts_with("&#")) return std::nullopt;
  const auto end = text.substr(0, kLongest).find(';');
  if (end == std::string_view::npos) return std::nullopt;
  const bool hexadecimal = text[2] == 'x' || text[2] == 'X';
  const size_t start = hexadecimal ? 3 : 2;
  const auto character = character_of(text.substr(start, end - start), hexadecimal ? 16 : 10);
  return character ? std::optional(Escape{*character, end + 1}) : std::nullopt;
}

Escape character_at(std::string_view text) {
  for (const auto escape : {json_escape, percent_escape, html_escape}) {
    if (const auto found = escape(text)) return *found;
  }
  return {text.front(), 1};
}

}  // namespace

Secret::Secret(std::string key) : key_(std::move(key)) {
  if (key_.size() < kShortestKey) return;
  part_ = std::min(key_.size(), kShortestPart);
  const std::string_view all = key_;
  for (size_t i = 0; i + part_ <= all.size(); ++i) parts_.insert(all.substr(i, part_));
}

std::string Secret::cut(std::string text) const {
  if (parts_.empty() || text.size() < part_) return text;
  // Unescape first: otherwise only a part between two escapes would be cut and the escapes would remain.
  const bool has_escapes = text.find_first_of("\\%&") != std::string::npos;
  if (has_escapes) text = cut(unescaped(text));
  return cut(as_they_are(text));
}

Secret::Characters Secret::as_they_are(std::string_view text) {
  Characters characters{std::string(text), text, {}};
  for (size_t i = 0; i <= text.size(); ++i) characters.starts.push_back(i);
  return characters;
}

Secret::Characters Secret::unescaped(std::string_view text) {
  Characters characters{{}, text, {0}};
  for (size_t i = 0; i < text.size();) {
    const auto [character, length] = character_at(text.substr(i));
    characters.plain += character;
    characters.starts.push_back(i += length);
  }
  return characters;
}

std::string Secret::cut(const Characters& characters) const {
  const std::string_view plain = characters.plain;
  const auto is_part = [&](size_t i) { return parts_.contains(plain.substr(i, part_)); };
  std::string result;
  size_t kept = 0;  // length of the text already in the result
  for (size_t i = 0; i + part_ <= plain.size(); ++i) {
    if (!is_part(i)) continue;
    result.append(characters.text.substr(kept, characters.starts[i] - kept)).append("***");
    size_t end = i + part_;
    for (; i + 1 < end && i + 1 + part_ <= plain.size(); ++i) {
      if (is_part(i + 1)) end = i + 1 + part_;
    }
    kept = characters.starts[end];
    i = end - 1;
  }
  return result.append(characters.text.substr(kept));
}

}  // namespace ccexpert::datasets
