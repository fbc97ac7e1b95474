// Pair as read from a source.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// Origin of an entry's captions.
namespace caption_source {
constexpr const char* kHuman = "human";
constexpr const char* kModel = "model";        ///< written by a model that the source's authors used
constexpr const char* kTemplate = "template";  ///< written by this converter
}  // namespace caption_source

/// Paths start at the source's folder, or at the output folder if `made` is true.
struct Entry {
  std::string split = {};
  std::string uid = {};              ///< unique within its split
  std::optional<bool> changed = {};  ///< the source's flag; if empty, captions decide
  std::string before = {};
  std::string after = {};
  std::vector<std::string> captions = {};
  const char* captions_by = caption_source::kHuman;
  std::string mask = {};                ///< empty: none
  std::string classes_before = {};      ///< empty: none
  std::string classes_after = {};       ///< empty: none
  bool may_lack_captions = false;       ///< a pair without captions is not an error
  bool made = false;                    ///< the conversion made the images
  bool made_maps = false;               ///< the conversion made mask and classes
  std::vector<std::string> facts = {};  ///< known facts besides the captions, for `annotate`
};

/// True if at least half of the captions say that something changed. Nothing without captions.
std::optional<bool> changed_by(const std::vector<std::string>& captions);

/// Maps the authors' name of a split to train, val or test; throws Error for another name.
std::string split_named(std::string_view name);

/// Returns the split named by a word of a file name, "train" if there is none. Words end at a non-letter and
/// before a capital: "latest_train" does not contain the word test, "interval" not val.
std::string split_in_name(std::string_view file_name);

}  // namespace ccexpert::datasets
