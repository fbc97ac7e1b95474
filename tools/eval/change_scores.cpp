#include "eval/change_scores.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ccexpert::tools {
namespace {

std::vector<eval::ScoredChange> changes_of(const eval::EvaluationSet& set, double eval::ChangeRow::*score) {
  std::vector<eval::ScoredChange> scores;
  for (size_t i = 0; i < set.samples.size(); ++i) {
    const auto& row = set.changes[i];
    const auto& changed = set.samples[i].changed;
    if (row && changed) scores.push_back({row.value().*score, changed.value()});
  }
  return scores;
}

double share(int64_t part, int64_t all) {
  return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
}

/// Returns the column of the scores of captions that says if they are right about a change.
std::optional<size_t> accuracy_column(const eval::ScoreTable& table) {
  const auto found = std::ranges::find(table.names, "change accuracy");
  if (found == table.names.end()) return std::nullopt;
  return static_cast<size_t>(found - table.names.begin());
}

SureCaptions sure_captions(const Scored& scored) {
  SureCaptions result;
  const auto column = accuracy_column(scored.table());
  if (!column) return result;
  int64_t wrong = 0, wrong_and_sure = 0;
  for (size_t i = 0; i < scored.set.samples.size(); ++i) {
    const auto& unsure = scored.set.unsure[i];
    if (!unsure || !scored.set.samples[i].changed) continue;
    const bool is_wrong = scored.table().pairs[i][*column] < 0.5;
    ++result.pairs;
    result.sure += *unsure ? 0 : 1;
    wrong += is_wrong ? 1 : 0;
    wrong_and_sure += is_wrong && !*unsure ? 1 : 0;
  }
  result.risk = share(wrong, result.pairs);
  result.of_sure = share(wrong_and_sure, result.sure);
  result.of_unsure = share(wrong - wrong_and_sure, result.pairs - result.sure);
  return result;
}

/// Returns the risk at the first coverage that is at least this one.
double risk_at(const std::vector<eval::RiskPoint>& risks, double coverage) {
  const auto found = std::ranges::find_if(
      risks, [&](const eval::RiskPoint& point) { return point.coverage >= coverage - 1e-9; });
  return found == risks.end() ? 0.0 : found->risk;
}

constexpr double kSide = 240.0, kMargin = 34.0;

/// Position in a diagram of values from 0 to 1.
std::string at(double x, double y) {
  return fmt::format("{:.1f},{:.1f}", kMargin + kSide * x, kSide * (1.0 - y) + 8.0);
}

std::string diagram(const char* label, const char* below, const char* beside, const std::string& content) {
  return fmt::format(
      "<svg role=\"img\" aria-label=\"{}\" width=\"{:.0f}\" height=\"{:.0f}\" viewBox=\"0 0 {:.0f} {:.0f}\" "
      "style=\"font-size:11px;fill:currentColor\">\n"
      "<path d=\"M{} L{} L{}\" fill=\"none\" stroke=\"currentColor\"/>\n{}"
      "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">{}</text>"
      "<text transform=\"translate(10 {:.0f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n"
      "<text x=\"{:.0f}\" y=\"{:.0f}\">0</text><text x=\"{:.0f}\" y=\"{:.0f}\">1</text>"
      "<text x=\"{:.0f}\" y=\"18\" text-anchor=\"end\">1</text></svg>\n",
      label, kSide + 2 * kMargin, kSide + 40, kSide + 2 * kMargin, kSide + 40, at(0, 1), at(0, 0), at(1, 0),
      content, kMargin + kSide / 2, kSide + 36, below, kSide / 2, beside, kMargin, kSide + 22,
      kMargin + kSide - 4, kSide + 22, kMargin - 6);
}

std::string reliability_diagram(const eval::Reliability& scores) {
  auto content = fmt::format("<path d=\"M{} L{}\" stroke=\"currentColor\" stroke-dasharray=\"4\"/>\n",
                             at(0, 0), at(1, 1));
  for (const auto& bin : scores.bins) {
    if (bin.pairs == 0) continue;
    const double radius = 3.0 + 9.0 * std::sqrt(share(bin.pairs, scores.pairs));
    const auto place = at(bin.score, bin.changed);
    const auto comma = place.find(',');
    content += fmt::format(
        "<circle cx=\"{}\" cy=\"{}\" r=\"{:.1f}\" fill=\"#3b78c4\" fill-opacity=\"0.8\"><title>{} pairs, "
        "score {:.3f}, "
        "changed {:.3f}</title></circle>\n",
        place.substr(0, comma), place.substr(comma + 1), radius, bin.pairs, bin.score, bin.changed);
  }
  return diagram("Reliability: share of changed pairs by change score", "change score", "changed pairs",
                 content);
}

std::string risk_diagram(const std::vector<eval::RiskPoint>& risks) {
  double most = 0.05;
  for (const auto& point : risks) most = std::max(most, point.risk);
  std::string line;
  for (const auto& point : risks)
    line += fmt::format("{}{}", line.empty() ? "M" : " L", at(point.coverage, point.risk / most));
  return diagram("Risk against coverage", "coverage",
                 fmt::format("risk (top: {:.1f} %)", 100.0 * most).c_str(),
                 fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"#3b78c4\" stroke-width=\"2\"/>\n", line));
}

std::string sure_text(const SureCaptions& captions) {
  return fmt::format(
      "captions sure of a change or of none: {:.1f} % of {} pairs; wrong: {:.2f} % of these, {:.2f} % of the "
      "unsure ones, {:.2f} % of all",
      100.0 * share(captions.sure, captions.pairs), captions.pairs, 100.0 * captions.of_sure,
      100.0 * captions.of_unsure, 100.0 * captions.risk);
}

std::string score_text(const ChangeQuality& quality) {
  return fmt::format(
      "change scores of {} pairs: area under the curve {:.4f}, Brier {:.4f}, calibration error {:.4f}, mean "
      "risk {:.4f}; wrong: {:.2f} % of all, {:.2f} % of the surest 90 %, {:.2f} % of the surest 50 %",
      quality.scores.pairs, quality.scores.area, quality.scores.brier, quality.scores.error,
      eval::mean_risk(quality.risks), 100.0 * risk_at(quality.risks, 1.0),
      100.0 * risk_at(quality.risks, 0.9), 100.0 * risk_at(quality.risks, 0.5));
}

}  // namespace

std::vector<eval::ScoredChange> raw_changes(const eval::EvaluationSet& set) {
  return changes_of(set, &eval::ChangeRow::raw);
}

std::optional<ChangeQuality> change_quality(const Scored& scored) {
  const auto scores = changes_of(scored.set, &eval::ChangeRow::score);
  if (scores.empty()) return std::nullopt;
  return ChangeQuality{.scores = eval::reliability(scores),
                       .risks = eval::risk_by_coverage(scores),
                       .captions = sure_captions(scored)};
}

std::string change_lines(const Scored& scored) {
  const auto quality = change_quality(scored);
  if (!quality) return {};
  auto text = score_text(*quality) + "\n";
  if (quality->captions.pairs > 0) text += sure_text(quality->captions) + "\n";
  return text;
}

std::string change_section(const Scored& scored) {
  const auto quality = change_quality(scored);
  if (!quality) return {};
  auto text = "<h2>change scores</h2>\n<p>" + score_text(*quality) + ".</p>\n";
  if (quality->captions.pairs > 0) text += "<p>" + sure_text(quality->captions) + ".</p>\n";
  return text + "<p>" + reliability_diagram(quality->scores) + risk_diagram(quality->risks) + "</p>\n";
}

}  // namespace ccexpert::tools
