#include "synth/noise.h"

#include <algorithm>
#include <cmath>

#include "synth/random.h"

namespace ccexpert::synth {
namespace {

constexpr int kLargestRadius = 22;
constexpr int kVariants = 6;

/// Applies a running mean over 2 * reach + 1 values along rows (step 1) or columns (step kSide), periodic.
void blur(std::vector<float>& values, int reach, size_t step) {
  constexpr size_t kSide = Tile::kSide;
  const size_t other = step == 1 ? kSide : 1;
  std::vector<float> line(kSide);
  for (size_t i = 0; i < kSide; ++i) {
    float* start = values.data() + i * other;
    for (size_t k = 0; k < kSide; ++k) line[k] = start[k * step];
    double sum = 0;
    for (int k = -reach; k <= reach; ++k) sum += line[static_cast<size_t>(k) & (kSide - 1)];
    for (size_t k = 0; k < kSide; ++k) {
      start[k * step] = static_cast<float>(sum);
      sum += line[(k + static_cast<size_t>(reach) + 1) & (kSide - 1)] -
             line[(k - static_cast<size_t>(reach)) & (kSide - 1)];
    }
  }
}

int8_t to_int8(double value) {
  return static_cast<int8_t>(std::lround(std::clamp(value, -127.0, 127.0)));
}

std::vector<int8_t> normalised(const std::vector<float>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  const double count = static_cast<double>(values.size());
  const double mean = sum / count;
  const double scale = 32 / std::sqrt(squares / count - mean * mean);
  std::vector<int8_t> result;
  for (const double value : values) result.push_back(to_int8((value - mean) * scale));
  return result;
}

struct Lobe {
  double x, y, radius;
};

/// Returns the height of a crown, a union of balls; below 0 outside.
double height_at(const std::vector<Lobe>& lobes, double x, double y) {
  double height = -1;
  for (const auto& lobe : lobes) {
    const double square =
        lobe.radius * lobe.radius - (x - lobe.x) * (x - lobe.x) - (y - lobe.y) * (y - lobe.y);
    const double lift = 0.5 * (1 - std::hypot(lobe.x, lobe.y));
    if (square > 0) height = std::max(height, std::sqrt(square) + lift);
  }
  return height;
}

std::vector<Lobe> lobes_of(Random& random, int radius) {
  std::vector<Lobe> lobes{{0, 0, 0.62}};
  for (int i = 0; i < 6 + radius; ++i) {
    const double angle = random.uniform(0, 6.2832);
    const double away = std::sqrt(random.uniform()) * 0.72;
    lobes.push_back({away * std::cos(angle), away * std::sin(angle), random.uniform(0.2, 0.42)});
  }
  return lobes;
}

Crown make_crown(int radius, int variant) {
  Random random(77, static_cast<uint64_t>(radius * 100 + variant));
  const auto lobes = lobes_of(random, radius);
  Crown made;
  made.side = 2 * radius + 3;
  for (int y = 0; y < made.side; ++y) {
    for (int x = 0; x < made.side; ++x) {
      const double px = (x - radius - 1.0) / radius;
      const double py = (y - radius - 1.0) / radius;
      const double step = 0.7 / radius;
      const double height = height_at(lobes, px, py);
      const double rough = 0.25 * random.bell();
      const double right =
          std::max(height_at(lobes, px + step, py), 0.0) - std::max(height_at(lobes, px - step, py), 0.0);
      const double down =
          std::max(height_at(lobes, px, py + step), 0.0) - std::max(height_at(lobes, px, py - step), 0.0);
      made.slope_x.push_back(to_int8(32 * (right / step * 0.5 + rough)));
      made.slope_y.push_back(to_int8(32 * (down / step * 0.5 + 0.25 * random.bell())));
      made.alpha.push_back(static_cast<uint8_t>(std::clamp(height * 3.0 * radius * 0.35, 0.0, 1.0) * 255));
      made.height.push_back(static_cast<uint8_t>(std::clamp(height, 0.0, 1.0) * 255));
    }
  }
  return made;
}

std::vector<Crown> make_crowns() {
  std::vector<Crown> crowns;
  for (int radius = 1; radius <= kLargestRadius; ++radius) {
    for (int variant = 0; variant < kVariants; ++variant) crowns.push_back(make_crown(radius, variant));
  }
  return crowns;
}

}  // namespace

Tile::Tile(uint64_t seed, double across, double down) {
  Random random(seed, 4711);
  std::vector<float> values(kSide * kSide);
  for (auto& value : values) value = static_cast<float>(random.bell());
  for (int pass = 0; pass < 3; ++pass) {
    if (across > 0) blur(values, static_cast<int>(across), 1);
    if (down > 0) blur(values, static_cast<int>(down), kSide);
  }
  const auto square = normalised(values);
  values_.resize(kSide * kRow);
  for (size_t i = 0; i < values_.size(); ++i)
    values_[i] = square[i / kRow * kSide + (i % kRow & (kSide - 1))];
}

void Tile::mix(const Tile& other, double share) {
  for (size_t i = 0; i < values_.size(); ++i)
    values_[i] = to_int8(values_[i] * std::sqrt(1 - share * share) + other.values_[i] * share);
}

Noise::Noise() {
  middle.mix(Tile{6, 2, 2}, 0.6);
  large.mix(Tile{7, 11, 11}, 0.5);
  // Each octave has its share of the deviation of the tile so far: nearly the same power at all sizes.
  for (const double reach : {24, 12, 6, 3, 1}) {
    constexpr double kShare = 0.55;
    rough.mix(Tile{static_cast<uint64_t>(10 + reach), reach, reach}, kShare);
  }
}

const Noise& noise() {
  static const Noise made;
  return made;
}

const Crown& crown(double radius, uint32_t look) {
  static const std::vector<Crown> crowns = make_crowns();
  const int whole = std::clamp(static_cast<int>(std::lround(radius)), 1, kLargestRadius);
  return crowns[static_cast<size_t>((whole - 1) * kVariants) + look % kVariants];
}

}  // namespace ccexpert::synth
