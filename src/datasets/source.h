// A published data set: how its folder is recognised and read.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/datasets/convert.h>

#include "datasets/sink.h"

namespace ccexpert::datasets {

struct Source {
  const char* name;
  const char* title;
  const char* layout;  ///< what it is recognised by, for messages
  bool (*recognises)(const std::filesystem::path& folder);
  void (*read)(Sink& sink);
};

/// All of them, those with the narrowest layouts first.
const std::vector<Source>& all_sources();

/// One of them; Error with the nearest name for another.
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

/// Whether a folder holds a file or a folder of this path.
bool has(const std::filesystem::path& folder, std::string_view path);

/// Whether any of train, val and test below `folder` holds `path`.
bool has_in_a_split(const std::filesystem::path& folder, std::string_view path);

/// Names of the files of a folder, but for hidden ones, with one of these extensions (in lower case, with
/// their dot), sorted, numbers by value. Throws Error where it cannot be read.
std::vector<std::string> files_in(const std::filesystem::path& folder,
                                  const std::vector<std::string>& extensions);

/// Names of the image files of a folder.
std::vector<std::string> images_in(const std::filesystem::path& folder);

/// Names of the image files of at least one of some folders: one that another lacks shall be missed there.
std::vector<std::string> images_in_any(const std::vector<std::filesystem::path>& folders);

/// The name of a path without folders and extension.
std::string stem_of(std::string_view path);

/// The stem of an image, with its split before it where it does not begin with it: numbers start anew in
/// every split of some sets.
std::string uid_in_split(const std::string& split, std::string_view image);

/// The first bytes of a file, to see what it is of; "" where it cannot be read.
std::string beginning_of(const std::filesystem::path& file);

/// The JSON or JSON Lines files of a folder in whose beginnings all of `words` stand.
std::vector<std::string> lists_with(const std::filesystem::path& folder,
                                    const std::vector<std::string_view>& words);

}  // namespace ccexpert::datasets
