// Several entries of one pair.
#pragma once

#include <vector>

#include <ccexpert/eval/caption_files.h>

namespace ccexpert::eval {

/// The entries with each uid once, where it stands first. One caption an entry, as some files have them,
/// makes a list of all of them, equal ones too; a list of several gives what is not there yet.
std::vector<CaptionEntry> merged_entries(std::vector<CaptionEntry> entries);

/// Adds the references that are not there yet; whether there was one.
bool add_missing(std::vector<std::string>& references, const std::vector<std::string>& more);

}  // namespace ccexpert::eval
