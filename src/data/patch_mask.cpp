#include "data/patch_mask.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::data {
namespace {

/// Pixels under one patch along an axis, and the share of the patch that each covers.
struct Window {
  int64_t first = 0;
  std::vector<double> shares;
};

/// Returns the windows of `length` pixels centred in `side`, which `size` pixels of the preprocessed image
/// show.
std::vector<Window> windows(int64_t length, int64_t side, int64_t size, int64_t patch) {
  const int64_t margin = (side - length) / 2;
  const auto offset = static_cast<double>(margin);
  const auto end = static_cast<double>(length);
  const double step = static_cast<double>(patch * side) / static_cast<double>(size);
  std::vector<Window> result;
  for (int64_t i = 0; i < size / patch; ++i) {
    const double low = std::clamp(static_cast<double>(i) * step - offset, 0.0, end);
    const double high = std::clamp(static_cast<double>(i + 1) * step - offset, 0.0, end);
    Window window{.first = static_cast<int64_t>(std::floor(low)), .shares = {}};
    for (int64_t at = window.first; static_cast<double>(at) < high; ++at) {
      const double covered =
          std::min(high, static_cast<double>(at + 1)) - std::max(low, static_cast<double>(at));
      window.shares.push_back(covered / step);
    }
    result.push_back(std::move(window));
  }
  return result;
}

double share_of(const image::ImageView& mask, const Window& rows, const Window& columns) {
  double sum = 0.0;
  for (size_t y = 0; y < rows.shares.size(); ++y) {
    const uint8_t* row = mask.data + (rows.first + static_cast<int64_t>(y)) * mask.stride;
    const uint8_t* pixel = row + 3 * columns.first;
    double along = 0.0;
    for (size_t x = 0; x < columns.shares.size(); ++x, pixel += 3) {
      if ((pixel[0] | pixel[1] | pixel[2]) != 0) along += columns.shares[x];
    }
    sum += along * rows.shares[y];
  }
  return sum;
}

/// Windows of both axes.
struct Grid {
  std::vector<Window> rows;
  std::vector<Window> columns;
};

Grid grid_of(const image::ImageView& map, const image::PreprocessConfig& config, int64_t patch) {
  const bool pad = config.aspect == image::AspectMode::kPad;
  const int64_t longer = std::max(map.height, map.width);
  return {windows(map.height, pad ? longer : map.height, config.size, patch),
          windows(map.width, pad ? longer : map.width, config.size, patch)};
}

void add_class_shares(const image::ImageView& classes, const Window& rows, const Window& columns,
                      std::span<float> shares) {
  for (size_t y = 0; y < rows.shares.size(); ++y) {
    const uint8_t* row = classes.data + (rows.first + static_cast<int64_t>(y)) * classes.stride;
    const uint8_t* pixel = row + 3 * columns.first;
    for (size_t x = 0; x < columns.shares.size(); ++x, pixel += 3) {
      if (*pixel >= shares.size()) {
        fail_expected(
            {"class map", fmt::format("classes 0 to {}", shares.size() - 1), std::to_string(*pixel)});
      }
      shares[*pixel] += static_cast<float>(columns.shares[x] * rows.shares[y]);
    }
  }
}

}  // namespace

std::vector<float> patch_class_shares(const image::ImageView& classes, const image::PreprocessConfig& config,
                                      int64_t patch, int64_t count) {
  const auto grid = grid_of(classes, config, patch);
  const auto width = static_cast<size_t>(count);
  std::vector<float> shares(grid.rows.size() * grid.columns.size() * width);
  size_t at = 0;
  for (const auto& row : grid.rows) {
    for (const auto& column : grid.columns) {
      add_class_shares(classes, row, column, std::span(shares).subspan(at, width));
      at += width;
    }
  }
  return shares;
}

std::vector<float> patch_shares(const image::ImageView& mask, const image::PreprocessConfig& config,
                                int64_t patch) {
  const auto grid = grid_of(mask, config, patch);
  std::vector<float> shares;
  for (const auto& row : grid.rows) {
    for (const auto& column : grid.columns) shares.push_back(static_cast<float>(share_of(mask, row, column)));
  }
  return shares;
}

}  // namespace ccexpert::data
