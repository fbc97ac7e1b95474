#include "model/resized_positions.h"

#include <cmath>

#include <ATen/ATen.h>

#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

/// Returns the side of a square grid of `positions`; 0 if they do not form a square.
int64_t side_of(int64_t positions) {
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

ResizedPositions::ResizedPositions(const io::TensorSource& source, int64_t grid)
    : source_(source), grid_(grid), infos_(source.tensors()) {
  for (auto& info : infos_) {
    // Other types than floating point also stay unchanged, and are refused by the loader.
    if (info.name != weight_names::kPositions || info.shape.size() != 2 || !at::isFloatingType(info.dtype))
      continue;
    if (side_of(info.shape[0]) == 0 || info.shape[0] == grid * grid) continue;
    info.shape[0] = grid * grid;
    info.dtype = at::kFloat;
  }
}

at::Tensor ResizedPositions::tensor(const std::string& name) const {
  auto tensor = source_.tensor(name);
  const auto* info = find(name);
  const bool as_stored = info == nullptr || at::IntArrayRef(info->shape) == tensor.sizes();
  return as_stored ? tensor : stretched(tensor, grid_);
}

}  // namespace ccexpert::model
