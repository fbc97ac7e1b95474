// Published data sets: recognition and reading of their folders.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/shared/convert.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {

struct Source {
  const char* name;
  const char* title;
  const char* layout;  ///< files by which it is recognised, for messages
  bool (*recognises)(const std::filesystem::path& folder);
  void (*read)(Sink& sink);
};

/// Returns all sources, those with the most specific layouts first.
const std::vector<Source>& all_sources();

/// Returns the source with this name; throws Error with the nearest name if there is none.
const Source& source_named(const std::string& name);

Source levir_mci_source();
Source levir_cc_source();
Source whu_cdc_source();
Source second_cc_source();
Source dubai_cc_source();
Source rscc_source();
Source changechat_source();
Source clevr_change_source();
Source image_editing_request_source();
Source spot_the_diff_source();
Source stvchrono_source();
Source vismin_source();
Source changesim_source();
Source sysu_cd_source();
Source second_source();
Source levir_cd_source();
Source folders_source();

/// True if a folder contains a file or a folder at this path.
bool has(const std::filesystem::path& folder, std::string_view path);

/// True if train, val or test below `folder` contains `path`.
bool has_in_a_split(const std::filesystem::path& folder, std::string_view path);

/// Returns the names of a folder's files with one of these extensions (in lower case, with their dot),
/// without hidden files, sorted, with numbers by value. Throws Error if the folder cannot be read.
std::vector<std::string> files_in(const std::filesystem::path& folder,
                                  const std::vector<std::string>& extensions);

/// Returns the names of a folder's image files.
std::vector<std::string> images_in(const std::filesystem::path& folder);

/// Returns the names of image files in at least one of the folders, so that a file missing in another is
/// reported.
std::vector<std::string> images_in_any(const std::vector<std::filesystem::path>& folders);

/// Returns the file name of a path without its extension.
std::string stem_of(std::string_view path);

/// Returns the stem of an image, prefixed with the split unless it starts with it: some sets number the
/// images of every split from the start.
std::string uid_in_split(const std::string& split, std::string_view image);

/// Returns the first bytes of a file, for recognition; "" if it cannot be read.
std::string beginning_of(const std::filesystem::path& file);

/// Returns the first bytes of a text file as UTF-8, or as they are if they are not text.
std::string beginning_of_text(const std::filesystem::path& file);

/// Returns the JSON and JSON Lines files of a folder whose first bytes contain all of `words`.
std::vector<std::string> lists_with(const std::filesystem::path& folder,
                                    const std::vector<std::string_view>& words);

}  // namespace ccexpert::datasets
