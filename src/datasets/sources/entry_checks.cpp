#include "datasets/sources/entry_checks.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "datasets/caption_text.h"
#include "datasets/sources/image_size.h"
#include "datasets/utf8.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const EntryFolders& folders, const std::string& path, bool made) {
  return (made ? folders.made : folders.input) / path;
}

/// Expects equal sizes, so that a mask marks the right places of the images.
void check_sizes(const Entry& entry, const EntryFolders& folders) {
  const auto before = file_of(folders, entry.before, false);
  const auto size = image_size(before);
  const auto expect = [&](const char* field, const fs::path& file) {
    const auto found = image_size(file);
    if (found == size) return;
    fail_expected({field, fmt::format("{} pixels, as {} has", text_of(size), before.string()),
                   fmt::format("{} pixels of {}", text_of(found), file.string())});
  };
  expect("after", file_of(folders, entry.after, false));
  expect("mask", file_of(folders, entry.mask, entry.made_maps));
}

}  // namespace

void check_texts(const Entry& entry) {
  for (const auto& [field, text] : {std::pair("before", &entry.before), std::pair("after", &entry.after),
                                    std::pair("mask", &entry.mask), std::pair("uid", &entry.uid)}) {
    expect_utf8(field, *text);
  }
  for (const auto& caption : entry.captions) expect_utf8("captions", caption);
}

int64_t clean_captions(Entry& entry, CaptionCleaning cleaning) {
  if (cleaning == CaptionCleaning::kClean) {
    for (auto& caption : entry.captions) caption = clean_caption(caption);
  }
  const auto blank = [](const std::string& caption) {
    return caption.find_first_not_of(" \t\r\n") == std::string::npos;
  };
  return static_cast<int64_t>(std::erase_if(entry.captions, blank));
}

void expect_captions(const Entry& entry, int64_t blank) {
  if (!entry.captions.empty() || entry.may_lack_captions) return;
  fail_expected(
      {"captions", "at least one with words", blank == 0 ? "none" : fmt::format("{} blank", blank)});
}

void check_images(const Entry& entry, const EntryFolders& folders) {
  const auto expect = [&](const char* field, const std::string& path, bool made) {
    if (path.empty()) return;
    const auto file = file_of(folders, path, made);
    if (!is_file(file))
      fail_expected({field, "an image file", fmt::format("{}, which does not exist", file.string())});
  };
  expect("before", entry.before, entry.made);
  expect("after", entry.after, entry.made);
  expect("mask", entry.mask, entry.made || entry.made_maps);
  // Cut windows always have the same size.
  if (!entry.made && !entry.mask.empty()) check_sizes(entry, folders);
}

}  // namespace ccexpert::datasets
