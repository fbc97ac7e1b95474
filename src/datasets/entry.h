// One pair as a source gives it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// Where an entry's captions come from.
namespace caption_source {
constexpr const char* kHuman = "human";
constexpr const char* kModel = "model";        ///< written by a model, by the source's authors
constexpr const char* kTemplate = "template";  ///< written by this converter
}  // namespace caption_source

/// Paths start at the source's folder, or at the output folder where `made` says so.
struct Entry {
  std::string split = {};
  std::string uid = {};              ///< unique within its split
  std::optional<bool> changed = {};  ///< what the source says; where it says nothing, captions decide
  std::string before = {};
  std::string after = {};
  std::vector<std::string> captions = {};
  const char* captions_by = caption_source::kHuman;
  std::string mask = {};                ///< empty: none
  std::string classes_before = {};      ///< empty: none
  std::string classes_after = {};       ///< empty: none
  bool may_lack_captions = false;       ///< a pair without captions is no error
  bool made = false;                    ///< the images were made by the conversion
  bool made_maps = false;               ///< mask and classes were
  std::vector<std::string> facts = {};  ///< what is known beside the captions, for `annotate`
};

/// Whether captions say that something changed: most of them do, or as many as not. Nothing without captions.
std::optional<bool> changed_by(const std::vector<std::string>& captions);

/// train, val or test for what authors call them; Error for another name.
std::string split_named(std::string_view name);

/// The split that a word of a file's name speaks of, "train" where none does. Words end at what is no letter
/// and before a capital: "latest_train" and "interval" speak of no test and no val.
std::string split_in_name(std::string_view file_name);

}  // namespace ccexpert::datasets
