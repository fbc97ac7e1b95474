#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/text/tokenizer.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "text/byte_level_bpe.h"
#include "text/piece_bpe.h"
#include "text/sentencepiece_model.h"
#include "text/shared/unicode.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;

struct TokenizerKind {
  const char* files;  ///< for messages; empty if another kind has the same files
  bool (*is_in)(const fs::path& folder);
  std::unique_ptr<const Tokenizer> (*load)(const fs::path& folder);
};

/// All kinds; the first with files in a folder is the folder's.
constexpr TokenizerKind kKinds[] = {
    {"", has_piece_json, load_piece_json},
    {"tokenizer.json, or vocab.json and merges.txt", has_byte_level_bpe, load_byte_level_bpe},
    {"tokenizer.model", has_sentencepiece_model, load_sentencepiece_model},
};

/// Throws Error for a folder with a tokenizer of another kind, or without one.
[[noreturn]] void fail_unknown(const fs::path& folder) {
  std::vector<std::string_view> expected, found;
  for (const auto& kind : kKinds) {
    if (*kind.files != '\0') expected.emplace_back(kind.files);
  }
  for (const char* file : {"spiece.model", "vocab.txt"}) {
    if (is_there(folder / file)) found.emplace_back(file);
  }
  const auto files = fmt::format("{}", fmt::join(expected, ", or "));
  if (found.empty()) {
    fail_expected({folder.string(), files, "none of them",
                   "copy the tokenizer files of the base model into the checkpoint folder"});
  }
  fail_expected({folder.string(), files, fmt::format("{}", fmt::join(found, ", ")),
                 "a tokenizer of this kind is not supported"});
}

}  // namespace

std::unique_ptr<const Tokenizer> Tokenizer::load(const fs::path& folder) try {
  for (const auto& kind : kKinds) {
    if (kind.is_in(folder)) return kind.load(folder);
  }
  fail_unknown(folder);
} catch (...) {
  rethrow_as_error();
}

std::string Tokenizer::decode(std::span<const int64_t> ids, bool skip_special) const try {
  std::string bytes;
  for (const int64_t id : ids) {
    if (!skip_special || !is_special(id)) bytes += token_bytes(id);
  }
  if (leads_with_space() && bytes.starts_with(' ')) bytes.erase(0, 1);
  return repair_utf8(bytes);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::text
