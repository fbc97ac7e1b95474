#include "eval/calibrate_run.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/standard_streams.h"
#include "core/printable.h"
#include "eval/change_scores.h"
#include "eval/eval_run.h"
#include "eval/map_threshold.h"
#include "eval/shared/calibration.h"

namespace ccexpert::tools {
namespace {

std::string quality(const char* name, const eval::Reliability& of) {
  return fmt::format("\n  {:<13} Brier {:.4f}, calibration error {:.4f}, area under the curve {:.4f}", name,
                     of.brier, of.error, of.area);
}

void tell(const eval::ChosenCalibration& chosen, const MapThreshold& map) {
  const auto& fit = chosen.calibration;
  auto text = fmt::format("ccexpert-eval: {} on {} pairs; on pairs without those of their own fifth:",
                          text_of(fit.method), fit.pairs);
  text += quality("uncalibrated", chosen.uncalibrated) + quality("platt", chosen.platt) +
          quality("isotonic", chosen.isotonic);
  text += map.masks == 0 ? std::string("\n  no masks: the threshold of maps is the default")
                         : fmt::format("\n  threshold of maps {:.3f}: overlap {:.3f} with {} masks",
                                       map.threshold, map.overlap, map.masks);
  print_note(text);
}

/// Throws Error if pairs have no prediction: those that a model fails on are no random ones.
void expect_whole(const EvalCommand& command, const eval::EvaluationSet& set) {
  if (set.missing.empty()) return;
  std::vector<std::string> uids;
  for (const auto& uid : set.missing) uids.push_back(printable(uid));
  fail_expected({command.predictions.string(), "a prediction of each pair with references",
                 fmt::format("none of {} ({})", uids.size(), first_few(uids))});
}

}  // namespace

int run_calibration(const EvalCommand& command) {
  const auto set = evaluation_set_of(command);
  const auto raw = raw_changes(set);
  if (raw.empty())
    fail_expected({command.predictions.string(), "change_score in its lines, and change flags", "none",
                   "ccexpert-caption --locate writes it"});
  expect_whole(command, set);
  auto chosen = eval::chosen_calibration(raw);
  const auto map = best_threshold(set);
  if (map.masks > 0) chosen.calibration.threshold = map.threshold;
  chosen.calibration.masks = map.masks;
  write_result(command.output, to_json_text(chosen.calibration));
  if (!command.quiet) tell(chosen, map);
  return kSuccess;
}

}  // namespace ccexpert::tools
