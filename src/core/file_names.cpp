#include "core/file_names.h"

#include <algorithm>

#include "core/ascii.h"

namespace ccexpert {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Returns the digits at `place` without leading zeros, and moves `place` past them.
std::string_view number_at(std::string_view text, size_t& place) {
  size_t start = place;
  while (place < text.size() && is_digit(text[place])) ++place;
  while (start + 1 < place && text[start] == '0') ++start;
  return text.substr(start, place - start);
}

}  // namespace

std::string lower_extension(const std::filesystem::path& path) {
  return ascii_lower_case(path.extension().string());
}

const std::vector<std::string>& image_extensions() {
  static const std::vector<std::string> extensions{".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"};
  return extensions;
}

bool has_image_extension(const std::filesystem::path& path) {
  const auto& known = image_extensions();
  return std::find(known.begin(), known.end(), lower_extension(path)) != known.end();
}

bool is_hidden(const std::filesystem::path& path) {
  return path.filename().string().starts_with('.');
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

bool sorts_before(std::string_view first, std::string_view second) {
  size_t i = 0, j = 0;
  while (i < first.size() && j < second.size()) {
    if (is_digit(first[i]) && is_digit(second[j])) {
      const auto a = number_at(first, i), b = number_at(second, j);
      if (a.size() != b.size()) return a.size() < b.size();
      if (a != b) return a < b;
    } else {
      if (first[i] != second[j]) return first[i] < second[j];
      ++i;
      ++j;
    }
  }
  if (i < first.size() || j < second.size()) return i == first.size();
  return first < second;
}

}  // namespace ccexpert
