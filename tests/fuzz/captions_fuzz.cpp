// Files of predictions and references, and matching them.
#include "data/prediction_lines.h"
#include "eval/shared/caption_files.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 3);
  const auto file = fuzz::Folder::shared().path() / "x.json";
  fuzz::Folder::shared().write_or_remove("splits.json", parts[2]);
  std::vector<eval::CaptionEntry> predictions, references;
  fuzz::reads([&] { predictions = eval::parse_predictions(parts[0], file); });
  fuzz::reads([&] { references = eval::parse_references(parts[1], file, "all"); });
  fuzz::reads([&] { eval::parse_references(parts[1], file); });
  for (const auto repeats : {eval::Repeats::kOnce, eval::Repeats::kEach})
    fuzz::reads([&] { eval::evaluation_set(predictions, references, {"nothing has changed"}, repeats); });
  using data::PredictionFormat;
  for (const auto format : {PredictionFormat::kText, PredictionFormat::kJsonLines, PredictionFormat::kCsv})
    fuzz::reads([&] { data::parse_lines(parts[0], format, "x"); });
  return 0;
}
