#include "core/printable.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/utf8.h"

namespace ccexpert {
namespace {

constexpr std::string_view kGap = " ... ";

struct CodeRange {
  char32_t first, last;
};

/// Characters that are invisible or change how their neighbours are shown: soft hyphen, Arabic letter mark,
/// zero width space, directional marks, embeddings and isolates, line separators, invisible operators, byte
/// order mark, annotations, noncharacters, tags. Joiners are not included: names in Persian or Hindi and
/// emoji need them.
constexpr std::array<CodeRange, 12> kHidden{{{0x80, 0x9f},
                                             {0xad, 0xad},
                                             {0x61c, 0x61c},
                                             {0x180e, 0x180e},
                                             {0x200b, 0x200b},
                                             {0x200e, 0x200f},
                                             {0x2028, 0x202e},
                                             {0x2060, 0x206f},
                                             {0xfdd0, 0xfdef},
                                             {0xfeff, 0xfeff},
                                             {0xfff0, 0xfffb},
                                             {0xe0000, 0xe0fff}}};

bool is_hidden(char32_t code) {
  if ((code & 0xfffe) == 0xfffe) return true;
  return std::any_of(kHidden.begin(), kHidden.end(),
                     [&](const CodeRange& range) { return code >= range.first && code <= range.last; });
}

std::string escape_of(char32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  if (code < 0x80) return fmt::format("\\x{:02x}", static_cast<uint32_t>(code));
  return code < 0x10000 ? fmt::format("\\u{:04x}", static_cast<uint32_t>(code))
                        : fmt::format("\\U{:08x}", static_cast<uint32_t>(code));
}

/// Returns the nearest start of a character, at or after `place` (`forward`), or at or before it.
size_t character_start(std::string_view text, size_t place, bool forward) {
  const auto is_trail = [&](size_t i) {
    return i > 0 && i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U;
  };
  // A character has at most three trailing bytes; a longer run of them is not UTF-8.
  for (size_t step = 0; step < 3 && is_trail(place); ++step) place = forward ? place + 1 : place - 1;
  return place;
}

/// Returns the length to which each part must be cut so that all parts together have at most `most` bytes.
size_t longest_allowed(std::vector<size_t> lengths, size_t most) {
  std::sort(lengths.begin(), lengths.end());
  size_t left = most;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const size_t share = left / (lengths.size() - i);
    if (lengths[i] > share) return share;
    left -= lengths[i];
  }
  return most;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (size_t place = 0; place < text.size();) {
    const auto character = character_at(text, place);
    const bool control = character.code < 0x20 || character.code == 0x7f;
    if (!character.valid) {
      shown += fmt::format("\\x{:02x}", static_cast<uint32_t>(character.code));
    } else if (control || is_hidden(character.code)) {
      shown += escape_of(character.code);
    } else {
      shown += text.substr(place, character.bytes);
    }
    place += character.bytes;
  }
  return shown;
}

std::string shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  const size_t kept = most > kGap.size() ? most - kGap.size() : 0;
  const size_t head = character_start(text, kept - kept / 3, false);
  const size_t tail = character_start(text, text.size() - kept / 3, true);
  return std::string(text.substr(0, head)).append(kGap).append(text.substr(tail));
}

std::string joined_printable(std::span<const std::string_view> parts, size_t most) {
  std::vector<std::string> shown;
  std::vector<size_t> lengths;
  for (const auto part : parts) {
    // An escape is at most ten times as long as its character, so bytes beyond this length are never shown.
    shown.push_back(printable(shortened(part, 4 * most)));
    lengths.push_back(shown.back().size());
  }
  const size_t allowed = longest_allowed(lengths, most);
  std::string joined;
  for (const auto& part : shown) joined += shortened(part, allowed);
  return joined;
}

}  // namespace ccexpert
