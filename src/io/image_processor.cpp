#include "io/image_processor.h"

#include <array>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"
#include "core/json.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kNestedFile = "processor_config.json";
constexpr const char* kNestedKey = "image_processor";

constexpr std::array kSettings{"do_resize", "do_rescale", "do_normalize",  "do_center_crop",
                               "do_pad",    "image_mean", "image_std",     "size",
                               "crop_size", "resample",   "rescale_factor"};

json parsed(const fs::path& file) {
  if (!is_there(file)) return {};
  json value = parse_json(read_file(file), file.string());
  if (!value.is_object()) fail_expected({file.string(), "a JSON object", value.type_name()});
  return value;
}

/// Returns the object image_processor; null if it does not exist.
json nested_processor(const fs::path& folder) {
  const json whole = parsed(folder / kNestedFile);
  const auto found = whole.find(kNestedKey);
  if (!whole.is_object() || found == whole.end() || found->is_null()) return {};
  if (!found->is_object())
    fail_expected({fmt::format("{}: {}", (folder / kNestedFile).string(), kNestedKey), "an object",
                   json_shown(*found)});
  return *found;
}

void expect_agreement(const json& nested, const json& own, const fs::path& folder) {
  std::vector<std::string_view> different;
  for (const char* key : kSettings) {
    const auto here = nested.find(key), there = own.find(key);
    const bool both = here != nested.end() && there != own.end();
    if (both && !here->is_null() && !there->is_null() && *here != *there) different.emplace_back(key);
  }
  if (!different.empty())
    fail_expected({folder.string(),
                   fmt::format("one image processor in {} and {}", kNestedFile, kImageProcessorFile),
                   fmt::format("different values of {}", fmt::join(different, ", ")),
                   "remove the file that the model was not trained with"});
}

}  // namespace

ImageProcessorText read_image_processor(const fs::path& folder) {
  const json nested = nested_processor(folder);
  const auto own = folder / kImageProcessorFile;
  if (nested.is_null()) return {is_there(own) ? read_file(own) : std::string(), own.string()};
  expect_agreement(nested, parsed(own), folder);
  return {nested.dump(2) + "\n", fmt::format("{}: {}", (folder / kNestedFile).string(), kNestedKey)};
}

}  // namespace ccexpert::io
