// Cleaning and checks of an entry before it is written.
#pragma once

#include <cstdint>
#include <filesystem>

#include "datasets/lists/entry.h"
#include "datasets/shared/convert.h"

namespace ccexpert::datasets {

/// Folders that an entry's paths start at.
struct EntryFolders {
  std::filesystem::path input;  ///< the source's
  std::filesystem::path made;   ///< of images and maps that the conversion makes
};

/// Throws Error if a text of the entry is not UTF-8.
void check_texts(const Entry& entry);

/// Cleans the captions as `cleaning` says and removes blank ones. Returns the number of removed captions.
int64_t clean_captions(Entry& entry, CaptionCleaning cleaning);

/// Throws Error if no caption is left of `blank` removed ones and others, unless the entry may lack captions.
void expect_captions(const Entry& entry, int64_t blank);

/// Throws Error if an image or the mask does not exist, or if a mask that was not made differs in size from
/// its images.
void check_images(const Entry& entry, const EntryFolders& folders);

}  // namespace ccexpert::datasets
