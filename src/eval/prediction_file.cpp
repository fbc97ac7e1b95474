#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "core/text_file.h"
#include "eval/caption_document.h"
#include "eval/change_row.h"
#include "eval/entry_fields.h"
#include "eval/shared/caption_files.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;

CaptionEntry prediction_entry(const JsonEntry& entry) {
  auto result = universal_entry(entry);
  // Names of the uid come first: aliases are tried in order.
  const auto names = names_of(result.uid);
  result.aliases.insert(result.aliases.begin(), names.begin(), names.end());
  result.prediction = text_under(entry, {"pred", "prediction", "caption"});
  result.change = change_row(entry);
  result.unsure = flag_under(entry, {"unsure"});
  if (!result.prediction && !text_under(entry, {"error"}))
    fail_expected({entry.where + ": pred", "a caption (or 'caption', 'prediction')", "none"});
  return result;
}

std::vector<CaptionEntry> dictionary_predictions(const nlohmann::json& object, const std::string& source) {
  auto entries = dictionary_entries(object, source);
  for (auto& entry : entries) {
    if (entry.references.size() != 1)
      fail_expected({source + ": " + entry.uid, "one caption", fmt::format("{}", entry.references.size())});
    entry.prediction = std::move(entry.references.front());
    entry.references.clear();
  }
  return entries;
}

}  // namespace

std::vector<CaptionEntry> parse_predictions(std::string_view text, const fs::path& file,
                                            const fs::path& image_root) try {
  const auto source = file.string();
  if (const auto object = as_object(text, source)) {
    if (is_caption_dictionary(*object)) return dictionary_predictions(*object, source);
    const auto root = image_root.empty() ? folder_of_list(file) : image_root;
    return {prediction_entry({*object, source + ": line 1", root})};
  }
  std::vector<CaptionEntry> entries;
  visit_caption_entries(text, file, image_root,
                        [&](const JsonEntry& entry) { entries.push_back(prediction_entry(entry)); });
  if (entries.empty()) fail_expected({source, "at least one prediction", "none"});
  return entries;
} catch (...) {
  rethrow_as_error();
}

std::vector<CaptionEntry> read_predictions(const fs::path& file, const fs::path& image_root) try {
  return parse_predictions(read_caption_file(file), file, image_root);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::eval
