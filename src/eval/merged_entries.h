// Merging of entries of the same pair.
#pragma once

#include <vector>

#include "eval/shared/caption_files.h"

namespace ccexpert::eval {

/// Returns the entries with each uid once, at its first place. If every entry has one caption, as in some
/// files, all captions are kept, even equal ones; otherwise later entries add only new captions.
std::vector<CaptionEntry> merged_entries(std::vector<CaptionEntry> entries);

/// Adds the references that `references` lacks; returns true if any was added.
bool add_missing(std::vector<std::string>& references, const std::vector<std::string>& more);

}  // namespace ccexpert::eval
