#include "serve/map_folder.h"

#include <algorithm>

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
  for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at))
    text.erase(at, prefix.size());
  return text;
}

}  // namespace ccexpert::serve
