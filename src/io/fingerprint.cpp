#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "core/folder_entries.h"
#include "core/foreign_errors.h"
#include "core/mapped_file.h"
#include "io/shared/fingerprint.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;

bool decides_captions(const fs::path& file) {
  static constexpr std::array kNames{
      "config.json",    "generation_config.json", "preprocessor_config.json", "processor_config.json",
      "tokenizer.json", "tokenizer_config.json",  "added_tokens.json",        "vocab.json",
      "merges.txt",     "tokenizer.model",        "adapter_config.json"};
  const auto extension = file.extension();
  return extension == ".safetensors" || extension == ".bin" ||
         std::find(kNames.begin(), kNames.end(), file.filename()) != kNames.end();
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& path : folder_entries(folder)) {
    if (decides_captions(path) && is_file(path)) files.push_back(path);
  }
  return files;
}

void add(XXH3_state_t& state, std::string_view text) {
  XXH3_128bits_update(&state, text.data(), text.size());
}

std::string hash_of(const std::vector<fs::path>& files) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (const auto& path : files) {
    const auto file = MappedFile::open(path);
    add(state, fmt::format("{} {}\n", path.filename().string(), file->size()));
    add(state, {reinterpret_cast<const char*>(file->data()), file->size()});
  }
  const auto hash = XXH3_128bits_digest(&state);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

std::string fingerprint(const fs::path& folder) try {
  return hash_of(files_of(open_checkpoint(folder).folder));
} catch (...) {
  rethrow_as_error();
}

std::string adapter_fingerprint(const fs::path& folder) try {
  std::vector<fs::path> files;
  for (const auto& path : files_of(folder)) {
    if (path.filename().string().starts_with("adapter_")) files.push_back(path);
  }
  return hash_of(files);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::io
