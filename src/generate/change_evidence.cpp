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

/// Evidence at which a map has 0.5: the smallest of a changed patch of the demo model, with and without Q*
/// (docs/locate.md).
constexpr double kHalfWithChange = 0.11, kHalf = 0.28;

/// Returns x^2 / (x^2 + half^2), which keeps the order of the evidence and spreads it over [0, 1).
at::Tensor spread(const at::Tensor& evidence, double half) {
  const auto square = evidence.square();
  return square / (square + half * half);
}

}  // namespace

at::Tensor change_maps(const EncodedPairs& pairs) {
  const auto distances = distance(pairs.features);
  if (!pairs.images.change.defined()) return spread(distances, kHalf).to(at::kCPU);
  const auto strength = pairs.images.change.to(at::kFloat).square().mean(-1);  // [B,N]
  return spread(distances * strength, kHalfWithChange).to(at::kCPU);
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
