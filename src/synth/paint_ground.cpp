#include <algorithm>

#include "synth/crop_rows.h"
#include "synth/materials.h"
#include "synth/noise.h"
#include "synth/paint.h"

namespace ccexpert::synth {
namespace {

constexpr int kVariants = 4;

/// Material in the units of the textures, whose deviation is 32.
struct MaterialRow {
  float bias, large, middle, small, streak, spots, grain, rough, rows;
  std::array<float, 3> low, range;
};

MaterialRow row_of(const Material& material, const Colour& tint, double variation) {
  const double tone = 1 + 0.11 * variation;
  const auto weight = [](double value) { return static_cast<float>(value / 32); };
  const auto channel = [&](double value, double factor) { return static_cast<float>(value * factor * tone); };
  const Colour range = material.high + material.low * -1;
  return {static_cast<float>(material.bias),
          weight(material.large),
          weight(material.middle),
          weight(material.small),
          weight(material.streak),
          weight(material.spots),
          weight(material.grain),
          weight(material.rough),
          weight(material.rows),
          {channel(material.low.r, tint.r), channel(material.low.g, tint.g), channel(material.low.b, tint.b)},
          {channel(range.r, tint.r), channel(range.g, tint.g), channel(range.b, tint.b)}};
}

/// Deviation of one ground of a region from the usual, and its variation on one day.
struct Temper {
  Colour tint;
  double green = 0;
  std::array<double, 6> weights{};  ///< factors of the textures
};

Temper temper_of(const View& view, int ground) {
  Random region(view.scene.texture, static_cast<uint64_t>(ground));
  Random day(view.look.weather, static_cast<uint64_t>(ground));
  // Some regions have unusual colours: red earth, ash, salt.
  const double strength =
      Random(view.scene.texture, 99).chance(0.25) && view.scene.world == World::kVaried ? 1.8 : 0.8;
  const double weather = view.scene.world == World::kTexas ? 2.0 : 1.0;
  const double tone = std::exp(0.1 * strength * region.bell() + 0.08 * weather * day.bell());
  const double red = 0.035 * strength * region.bell() + 0.015 * weather * day.bell();
  const double blue = 0.06 * strength / weather * region.bell() + 0.025 * day.bell();
  Temper temper{{tone * (1 + red), tone, tone * (1 + blue)}, 0.18 * day.bell()};
  for (double& weight : temper.weights) weight = std::exp(0.35 * strength * region.bell());
  return temper;
}

/// Returns the ground of a zone on this day: bare ground is sometimes overgrown.
Ground cover_of(const View& view, const Zone& zone, size_t index) {
  const bool bare = zone.ground == Ground::kWorks || zone.ground == Ground::kBare;
  const double chance =
      variate(static_cast<uint32_t>(view.look.weather), static_cast<uint32_t>(index) + 5000);
  return bare && chance < 0.08 ? Ground::kDryMeadow : zone.ground;
}

std::vector<MaterialRow> material_rows(const View& view) {
  std::vector<MaterialRow> rows;
  for (int ground = 0; ground <= static_cast<int>(Ground::kWorks); ++ground) {
    const Temper temper = temper_of(view, ground);
    for (int variant = 0; variant < kVariants; ++variant) {
      const double green = view.look.green + temper.green + 0.32 * (variant - 1.5) / 1.5;
      Material material =
          material_of(view.scene.world, static_cast<Ground>(ground), std::clamp(green, 0.0, 1.0));
      material.large *= temper.weights[0];
      material.middle *= temper.weights[1];
      material.small *= temper.weights[2];
      material.streak *= temper.weights[3];
      material.rough *= temper.weights[4];
      material.rows = temper.weights[5] * std::max(material.rows, 0.2 * view.scene.terraces);
      rows.push_back(row_of(material, temper.tint, (variant * 7 % 4 - 1.5) / 1.5));
    }
  }
  return rows;
}

/// Returns the variant of a zone's ground: lawns keep theirs, fields are sown, some pastures are watered or
/// grazed.
int variant_of(const View& view, const Zone& zone, size_t index) {
  if (zone.ground == Ground::kLawn) return static_cast<int>((index * 2654435761U >> 8) % kVariants);
  Random day(view.look.weather, index + 100);
  if (zone.ground != Ground::kField && !day.chance(0.35)) return 1;
  return day.below(kVariants);
}

cv::Mat material_map(const View& view) {
  const Scene& scene = view.scene;
  cv::Mat map(scene.size, scene.size, CV_8U, cv::Scalar(static_cast<int>(scene.ground) * kVariants + 1));
  for (size_t i = 0; i < scene.covers.size(); ++i) {
    const auto& cover = scene.covers[i];
    const int variant = Random(view.look.weather, i + 300).below(kVariants);
    if (stands(cover.dates, view.date))
      fill(map, cover.outline, cv::Scalar(static_cast<int>(cover.ground) * kVariants + variant), cv::LINE_8);
  }
  for (size_t i = 0; i < scene.zones.size(); ++i) {
    const auto& zone = scene.zones[i];
    if (!stands(zone.dates, view.date)) continue;
    fill(map, zone.outline,
         cv::Scalar(static_cast<int>(cover_of(view, zone, i)) * kVariants + variant_of(view, zone, i)),
         cv::LINE_8);
  }
  return map;
}

}  // namespace

double variate(uint32_t look, uint32_t use) {
  return Random(look, use).uniform();
}

Colour lawn_colour(const View& view) {
  const Material lawn = material_of(view.scene.world, Ground::kLawn, view.look.green);
  return mixed(lawn.low, lawn.high, 0.5);
}

namespace {

/// One row of every texture, from the offset of this scene (or this date).
struct TextureRows {
  const int8_t *large, *other_large, *middle, *small, *other_small, *streak, *fine, *rough, *other_rough;
  const float* crops;
  float day_share;  ///< share of the large texture that is specific to this date

  TextureRows(const View& view, size_t line, CropRows& fields) {
    const Noise& n = noise();
    const size_t place = view.scene.texture;
    const size_t day = view.look.weather;
    large = n.large.row(line + place);
    other_large = n.large.row(line + day);
    middle = n.middle.row(line + (place >> 9));
    small = n.small.row(line + (place >> 18));
    other_small = n.small.row(line + (day >> 9));
    // Fields are sometimes ploughed in another direction.
    const bool turned = Random(day, 77).chance(0.25);
    streak = ((place % 2 == 0) != turned ? n.streak : n.upright).row(line + ((turned ? day : place) >> 27));
    const double least = view.scene.world == World::kTexas ? 0.5 : 0.2;
    day_share = static_cast<float>(least + (1 - least) * Random(day, 78).uniform());
    fine = n.fine.row(line + (day >> 18));
    rough = n.rough.row(line + (place >> 36));
    other_rough = n.rough.row(line + (day >> 36));
    crops = fields.line(line);
  }
};

/// Mixing share of a material's two colours, and its brightness, along a row.
struct Mixture {
  std::vector<float> share;
  std::vector<float> tone;
};

/// Computes the mixture of [from, to) of a row, which has one material. Parameters are by value, without
/// branches and without aliasing, so that compilers vectorise the loops.
void mix_run(const MaterialRow m, const TextureRows rows, size_t from, size_t to, float* __restrict share,
             float* __restrict tone) {
  for (size_t x = from; x < to; ++x) {
    const float own = 1.1F - 0.5F * rows.day_share;
    const float large =
        own * static_cast<float>(rows.large[x]) + rows.day_share * static_cast<float>(rows.other_large[x]);
    const float rough =
        own * static_cast<float>(rows.rough[x]) + rows.day_share * static_cast<float>(rows.other_rough[x]);
    const float clods = 0.5F * static_cast<float>(rows.small[x] + rows.other_small[x]);
    const float mixed = m.bias + m.large * large + m.middle * static_cast<float>(rows.middle[x]) +
                        m.small * clods + m.streak * static_cast<float>(rows.streak[x]) + m.rough * rough +
                        m.rows * rows.crops[x];
    share[x] = std::min(std::max(mixed, 0.0F), 1.0F);
  }
  for (size_t x = from; x < to; ++x) {
    const float shrub =
        static_cast<float>(rows.middle[x + 200]) + 0.5F * static_cast<float>(rows.small[x]) - 38;
    const float dark = m.spots * std::min(std::max(shrub, 0.0F), 40.0F);
    tone[x] = std::max(1 + m.grain * static_cast<float>(rows.fine[x]) - dark, 0.25F);
  }
}

void colour_run(const MaterialRow& m, const Mixture& mixture, size_t from, size_t to, uint8_t* pixel) {
  for (size_t x = from; x < to; ++x, pixel += 3) {
    for (size_t c = 0; c < 3; ++c) {
      const float value = (m.low[c] + m.range[c] * mixture.share[x]) * mixture.tone[x];
      pixel[c] = static_cast<uint8_t>(std::min(static_cast<int>(value), 255));
    }
  }
}

/// Returns the material of every pixel of a row, from a slightly shifted position: edges of grounds are
/// ragged.
void look_aside(const cv::Mat& map, const TextureRows& rows, int y, std::vector<uint8_t>& materials) {
  const int last = map.cols - 1;
  for (int x = 0; x <= last; ++x) {
    const int from_y = std::clamp(y + rows.small[x] / 28, 0, last);
    const int from_x = std::clamp(x + rows.small[x + 91] / 28, 0, last);
    materials[static_cast<size_t>(x)] = map.at<uint8_t>(from_y, from_x);
  }
}

/// Light of each channel in 256ths, from outside such a part (0) to its middle (kLevels).
constexpr int kLevels = 64;
using WeatherTable = std::array<std::array<int, 3>, kLevels + 1>;

WeatherTable weather_table(const Colour& more) {
  WeatherTable table{};
  for (int level = 0; level <= kLevels; ++level) {
    const double share = static_cast<double>(level) / kLevels;
    table[static_cast<size_t>(level)] = {static_cast<int>(256 * (1 + more.r * share)),
                                         static_cast<int>(256 * (1 + more.g * share)),
                                         static_cast<int>(256 * (1 + more.b * share))};
  }
  return table;
}

/// Paints parts of the ground that are wet, burnt or overgrown on this day, for any material.
void paint_weather(const View& view, cv::Mat& image) {
  const Colour& more = view.look.patches;
  if (more.r == 0 && more.g == 0 && more.b == 0) return;
  const auto table = weather_table(more);
  const int width = 4 + static_cast<int>(60 * view.look.patch_edge);
  for (int y = 0; y < image.rows; ++y) {
    const auto line = static_cast<size_t>(y) * 2 / 3;
    const int8_t* field = noise().large.row(line + (view.look.weather >> 33));
    const int8_t* ragged = noise().small.row(line + (view.look.weather >> 43));
    auto* to = image.ptr<uint8_t>(y);
    for (int x = 0; x < image.cols; ++x, to += 3) {
      const int depth = 8 * field[x * 2 / 3] + ragged[x];
      if (depth <= 0) continue;
      const auto& light = table[static_cast<size_t>(std::min(depth * (kLevels / 8) / width, kLevels))];
      for (size_t c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(std::min(to[c] * light[c] >> 8, 255));
    }
  }
}

}  // namespace

void paint_ground(const View& view, Canvas& canvas) {
  const auto materials = material_rows(view);
  const cv::Mat map = material_map(view);
  const auto width = static_cast<size_t>(view.scene.size);
  std::vector<uint8_t> line(width);
  CropRows fields(view);
  Mixture mixture{std::vector<float>(width), std::vector<float>(width)};
  for (int y = 0; y < view.scene.size; ++y) {
    const TextureRows rows(view, static_cast<size_t>(y), fields);
    look_aside(map, rows, y, line);
    auto* pixels = canvas.colour.ptr<uint8_t>(y);
    for (size_t from = 0, to = 0; from < width; from = to) {
      while (to < width && line[to] == line[from]) ++to;
      const MaterialRow& material = materials[line[from]];
      mix_run(material, rows, from, to, mixture.share.data(), mixture.tone.data());
      colour_run(material, mixture, from, to, pixels + 3 * from);
    }
  }
  paint_weather(view, canvas.colour);
}

}  // namespace ccexpert::synth
