#include "core/file_names.h"

#include <algorithm>

#include "core/ascii.h"

namespace ccexpert {

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

}  // namespace ccexpert
