#include "model/resized_positions.h"

#include <cmath>

#include <ATen/ATen.h>

#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

/// Returns the side of a square grid of `positions`; 0 if they do not form a square.
int64_t side_of(int64_t positions) {
  if (positions < 1) return 0;
  const int64_t side = std::llround(std::sqrt(static_cast<double>(positions)));
  return side * side == positions ? side : 0;
}

/// Resizes [g*g,D] to [grid*grid,D], in float32.
at::Tensor stretched(const at::Tensor& positions, int64_t grid) {
  const int64_t side = side_of(positions.size(0));
  const auto plane = positions.to(at::kFloat).t().reshape({1, positions.size(1), side, side});
  const auto wider = at::upsample_bicubic2d(plane, {grid, grid}, /*align_corners=*/false);
  return wider.flatten(2).squeeze(0).t().contiguous();
}

}  // namespace

ResizedPositions::ResizedPositions(const io::TensorSource& source, int64_t grid, bool class_token)
    : source_(source), grid_(grid), before_(class_token ? 1 : 0), infos_(source.tensors()) {
  for (auto& info : infos_) {
    // Other types than floating point also stay unchanged, and are refused by the loader.
    if (info.name != weight_names::kPositions || info.shape.size() != 2 || !at::isFloatingType(info.dtype))
      continue;
    const int64_t patches = info.shape[0] - before_;
    if (side_of(patches) == 0 || patches == grid * grid) continue;
    info.shape[0] = before_ + grid * grid;
    info.dtype = at::kFloat;
  }
}

at::Tensor ResizedPositions::tensor(const std::string& name) const {
  auto tensor = source_.tensor(name);
  const auto* info = find(name);
  const bool as_stored = info == nullptr || at::IntArrayRef(info->shape) == tensor.sizes();
  if (as_stored) return tensor;
  const auto patches = stretched(tensor.slice(0, before_), grid_);
  return at::cat({tensor.slice(0, 0, before_).to(at::kFloat), patches});
}

}  // namespace ccexpert::model
