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

}  // namespace

at::Tensor change_maps(const EncodedPairs& pairs) {
  return distance(pairs.features).to(at::kCPU);
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
