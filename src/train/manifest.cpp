#include "train/manifest.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/json.h"
#include "train/content_hash.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = size_t{1} << 20;

/// Returns what the user can do about a file that differs from its manifest.
std::string mismatch_hint(const fs::path& manifest, MissingFiles missing, const std::string& cause) {
  // A checkpoint of a run keeps its manifest; the start of a run may be changed on purpose.
  if (missing == MissingFiles::kRefuse) return cause;
  return fmt::format("{}{}if this is intended, remove {}", cause, cause.empty() ? "" : "; ",
                     manifest.string());
}

}  // namespace

ManifestEntry manifest_entry(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> block(kBlock);
  ContentHash hash;
  uint64_t bytes = 0;
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    const auto count = static_cast<size_t>(in.gcount());
    hash.add(block.data(), count);
    bytes += count;
  }
  if (!in.eof()) fail(file.string(), "cannot be read");
  return {file.filename().string(), bytes, hash.hex()};
}

void write_manifest(const fs::path& folder, const std::vector<ManifestEntry>& entries) {
  nlohmann::ordered_json manifest;
  for (const auto& entry : entries) manifest[entry.name] = {{"bytes", entry.bytes}, {"xxh3", entry.xxh3}};
  write_file(folder / kManifestFile, manifest.dump(2) + "\n");
}

void expect_file_name(const std::string& name, const std::string& source) {
  if (fs::path(name).filename() == name && name != "." && name != "..") return;
  fail_expected({source, "names of files beside it", "'" + name + "'"});
}

std::vector<std::string> verify_manifest(const fs::path& folder, int part, int parts, MissingFiles missing) {
  const auto path = folder / kManifestFile;
  const auto manifest = parse_json(read_file(path), path.string());
  if (!manifest.is_object()) fail_expected({path.string(), "an object of files", json_shown(manifest)});
  std::vector<std::string> names;
  for (const auto& [name, expected] : manifest.items()) {
    if (!expected.is_object())
      fail_expected({path.string() + ": " + name, "bytes and xxh3", json_shown(expected)});
    expect_file_name(name, path.string());
    const auto bytes = json_value(expected, "bytes", uint64_t{0}, path.string());
    const auto hash = json_value(expected, "xxh3", std::string(), path.string());
    const bool reads = std::ssize(names) % parts == part;
    names.push_back(name);
    const auto file = folder / name;
    if (missing == MissingFiles::kPass && !is_there(file)) continue;
    if (!is_file(file)) fail_expected({file.string(), fmt::format("a file of {} bytes", bytes), "none"});
    const auto size = fs::file_size(file);
    if (size != bytes) {
      fail_expected({file.string(), fmt::format("{} bytes", bytes), std::to_string(size),
                     mismatch_hint(path, missing, "")});
    }
    if (reads && manifest_entry(file).xxh3 != hash) {
      fail(file.string(), "its content is not what was written",
           mismatch_hint(path, missing, "the disk or a copy damaged it"));
    }
  }
  return names;
}

std::string to_lines(const std::vector<ManifestEntry>& entries) {
  std::string lines;
  for (const auto& entry : entries) lines += fmt::format("{} {} {}\n", entry.name, entry.bytes, entry.xxh3);
  return lines;
}

std::vector<ManifestEntry> from_lines(const std::string& lines) {
  std::vector<ManifestEntry> entries;
  std::istringstream in(lines);
  for (ManifestEntry entry; in >> entry.name >> entry.bytes >> entry.xxh3;) entries.push_back(entry);
  return entries;
}

}  // namespace ccexpert::train
