#include <ccexpert/core/error.h>
#include <ccexpert/eval/caption_files.h>

#include "eval/entry_fields.h"

namespace ccexpert::eval {
namespace {

CaptionEntry prediction_entry(const JsonEntry& entry) {
  auto result = universal_entry(entry);
  // By its own name first: aliases are tried in their order.
  const auto names = names_of(result.uid);
  result.aliases.insert(result.aliases.begin(), names.begin(), names.end());
  result.prediction = text_under(entry, {"pred", "prediction", "caption"});
  if (!result.prediction && !text_under(entry, {"error"}))
    fail({entry.where + ": pred", "a caption (or 'caption', 'prediction')", "none"});
  return result;
}

}  // namespace

std::vector<CaptionEntry> read_predictions(const std::filesystem::path& file,
                                           const std::filesystem::path& image_root) {
  std::vector<CaptionEntry> entries;
  visit_caption_entries(read_caption_file(file), file, image_root,
                        [&](const JsonEntry& entry) { entries.push_back(prediction_entry(entry)); });
  if (entries.empty()) fail({file.string(), "at least one prediction", "none"});
  return entries;
}

}  // namespace ccexpert::eval
