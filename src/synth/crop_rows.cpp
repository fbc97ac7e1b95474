#include "synth/crop_rows.h"

#include <cmath>
#include <numbers>

#include "synth/noise.h"

namespace ccexpert::synth {
namespace {

constexpr size_t kProfile = 4096;  ///< entries, half a pixel each

}  // namespace

CropRows::CropRows(const View& view) : values_(static_cast<size_t>(view.scene.size), 0.0F) {
  const Scene& scene = view.scene;
  used_ = scene.world == World::kTexas;
  if (!used_) return;
  const bool banks = scene.terraces > 0;
  // Fields are often ploughed anew in another direction; banks stay for decades.
  const uint64_t day = view.look.weather;
  Random random(!banks && Random(day, 81).chance(0.4) ? day : scene.texture, 80);
  const double bend = random.chance(banks ? 0.7 : 0.25) ? random.uniform(0.3, 1.5) : random.uniform(4, 12);
  const Point middle{scene.size / 2.0, scene.size / 2.0};
  centre_ = middle + direction(random.uniform(0, 2 * std::numbers::pi)) * (bend * scene.size);
  wave_ = banks ? random.uniform(0.1, 0.5) * scene.metre / 2 : 0;
  pitch_ = (banks ? random.uniform(7, 26) : random.uniform(2.2, 9)) * scene.metre;
  share_ = banks ? random.uniform(0.2, 0.7) : random.uniform(0.1, 0.9);
  place_ = scene.texture >> 12;
  draw_profile(banks ? scene.texture : day);
}

void CropRows::draw_profile(uint64_t day) {
  const int8_t* uneven = noise().rough.row(day >> 7);
  const auto share = static_cast<float>(share_);
  profile_.resize(kProfile);
  // A whole number of rows, so that the profile continues periodically.
  const double rows = std::max(1.0, std::round(kProfile / 2.0 / pitch_));
  for (size_t i = 0; i < kProfile; ++i) {
    const double phase = 2 * std::numbers::pi * rows * static_cast<double>(i) / kProfile;
    profile_[i] = 45 * share * static_cast<float>(std::sin(phase)) +
                  (1 - share) * static_cast<float>(uneven[i / 2 % Tile::kSide]);
  }
}

const float* CropRows::line(size_t y) {
  if (!used_) return values_.data();
  const int8_t* coarse = noise().large.row(y + place_);
  const auto down = static_cast<float>(static_cast<double>(y) - centre_.y);
  const auto across = static_cast<float>(centre_.x);
  const auto wave = static_cast<float>(wave_);
  for (size_t x = 0; x < values_.size(); ++x) {
    const float right = static_cast<float>(x) - across;
    const float away = std::sqrt(down * down + right * right) + wave * static_cast<float>(coarse[x]);
    values_[x] = profile_[static_cast<size_t>(static_cast<int>(2 * away + 2 * kProfile)) % kProfile];
  }
  return values_.data();
}

}  // namespace ccexpert::synth
