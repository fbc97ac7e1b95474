#include "serve/map_folder.h"

#include <algorithm>
#include <string_view>

#include <ccexpert/core/error.h>

namespace ccexpert::serve {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 1024;

bool is_plain(const std::string& name) {
  if (name.empty() || name.size() > kLongestName || name.find('\0') != std::string::npos) return false;
  const fs::path path(name);
  // Hidden files are nobody's scenes; "." and ".." begin so too.
  return path.is_relative() && std::ranges::none_of(path, [](const fs::path& part) {
           return part.empty() || part.native().front() == '.';
         });
}

bool is_below(const fs::path& path, const fs::path& root) {
  return std::ranges::mismatch(root, path).in1 == root.end();
}

/// True for a character of a name, after which a slash continues a path.
bool is_inside(char c) {
  constexpr std::string_view kMarks = "._-/)";
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool is_digit = c >= '0' && c <= '9';
  const bool is_ascii = static_cast<unsigned char>(c) < 0x80;
  return is_letter || is_digit || !is_ascii || kMarks.find(c) != std::string_view::npos;
}

/// Returns the place of the first absolute path in a text; npos without one.
size_t start_of_path(std::string_view text) {
  for (size_t at = text.find('/'); at != std::string_view::npos; at = text.find('/', at + 1)) {
    const auto rest = text.substr(at);
    const bool is_web = rest.starts_with("//") &&
                        (text.substr(0, at).ends_with("http:") || text.substr(0, at).ends_with("https:"));
    if (is_web) continue;
    const bool begins = at == 0 || !is_inside(text[at - 1]);
    const bool goes_on = rest.size() > 1 && rest[1] != ' ';
    if (begins && goes_on) return at;
  }
  return std::string_view::npos;
}

}  // namespace

MapFolder::MapFolder(const fs::path& root) {
  std::error_code code;
  root_ = fs::canonical(root, code);
  if (code || !fs::is_directory(root_, code))
    fail_expected({"--map-root", "a folder with rasters", root.string(), "", ErrorKind::kMissing});
}

fs::path MapFolder::file(const std::string& name, std::string_view what) const {
  std::error_code code;
  if (is_plain(name)) {
    auto path = fs::canonical(root_ / name, code);
    if (!code && is_below(path, root_) && fs::is_regular_file(path, code)) return path;
  }
  fail_expected({what, "the name of a file in the server's folder of maps", name,
                 "names are relative to it, as 2018/north.tif"});
}

std::string MapFolder::name_of(const fs::path& file) const {
  return file.lexically_relative(root_).generic_string();
}

std::string MapFolder::shown(std::string text) const {
  const auto prefix = (root_ / "").string();
  // All paths begin with "/", which is in other words too: the rule below finds them.
  if (root_ != root_.root_path()) {
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at))
      text.erase(at, prefix.size());
  }
  // A path ends at no certain place, since names may have blanks.
  text.resize(std::min(text.size(), start_of_path(text)));
  while (!text.empty() && !is_inside(text.back())) text.pop_back();
  return text.empty() ? "a file of the server cannot be used" : text;
}

}  // namespace ccexpert::serve
