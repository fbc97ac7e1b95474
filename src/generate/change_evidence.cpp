#include "generate/change_evidence.h"

#include <cmath>

#include <ATen/ATen.h>

#include "core/files.h"

namespace ccexpert::generate {
namespace {

/// Share of the patches that a change must fill to count in full.
constexpr double kChangedShare = 0.02;

/// Returns the cosine distance of the dates [B,N], in [0, 1], of features [2B,N,D].
at::Tensor distance(const at::Tensor& features) {
  const auto values = features.to(at::kFloat);
  const auto before = values.slice(0, 0, std::nullopt, 2), after = values.slice(0, 1, std::nullopt, 2);
  return ((1.0 - at::cosine_similarity(before, after, -1)) / 2.0).clamp(0.0, 1.0);
}

/// Evidence at which a map has 0.5: about the smallest of a changed patch of the demo model, with and without
/// Q* (docs/locate.md).
constexpr double kHalfWithChange = 0.3, kHalf = 0.28;

/// Returns the mean square of Q* [B,N,D] of each patch [B,N], relative to its mean over the image: another
/// light of one date strengthens Q* of all patches, and that is no change.
at::Tensor relative_strength(const at::Tensor& change) {
  const auto strength = change.to(at::kFloat).square().mean(-1);
  constexpr double kSmallest = 1e-12;  // a Q* that is zero everywhere has no change
  return strength / strength.mean(1, true).clamp_min(kSmallest);
}

/// Returns x^2 / (x^2 + half^2), which keeps the order of the evidence and spreads it over [0, 1).
at::Tensor spread(const at::Tensor& evidence, double half) {
  const auto square = evidence.square();
  return square / (square + half * half);
}

}  // namespace

at::Tensor change_maps(const EncodedPairs& pairs) {
  const auto distances = distance(pairs.features);
  if (!pairs.images.change.defined()) return spread(distances, kHalf).to(at::kCPU);
  return spread(distances * relative_strength(pairs.images.change), kHalfWithChange).to(at::kCPU);
}

std::optional<ChangeCalibration> calibration_beside(const std::filesystem::path& folder) {
  const auto file = folder / kChangeScoreFile;
  if (!is_there(file)) return std::nullopt;
  return parse_change_calibration(read_file(file), file.string());
}

double change_strength(const at::Tensor& map) {
  const auto patches = static_cast<int64_t>(std::ceil(kChangedShare * static_cast<double>(map.numel())));
  return std::get<0>(map.topk(patches)).mean().item<double>();
}

}  // namespace ccexpert::generate
