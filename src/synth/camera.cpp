#include <algorithm>
#include <cmath>
#include <new>

#include <opencv2/imgcodecs.hpp>

#include "synth/noise.h"
#include "synth/paint.h"

namespace ccexpert::synth {
namespace {

void focus(const Look& look, cv::Mat& image) {
  const int side = look.blur > 1 ? 9 : 5;
  if (look.blur >= 0.3)
    cv::GaussianBlur(image, image, {side, side}, look.blur, look.blur, cv::BORDER_REFLECT_101);
  if (look.sharpen <= 0) return;
  cv::Mat soft;
  cv::GaussianBlur(image, soft, {5, 5}, 1.0, 1.0, cv::BORDER_REFLECT_101);
  cv::addWeighted(image, 1 + look.sharpen, soft, -look.sharpen, 0, image);
}

void move(const Look& look, cv::Mat& image) {
  if (length(look.shift) < 0.05 && std::abs(look.turn) < 1e-4 && std::abs(look.zoom - 1) < 1e-4) return;
  const double centre = image.cols / 2.0;
  const double cosine = look.zoom * std::cos(look.turn);
  const double sine = look.zoom * std::sin(look.turn);
  const cv::Matx23d matrix(cosine, -sine, centre * (1 - cosine) + centre * sine + look.shift.x, sine, cosine,
                           centre * (1 - cosine) - centre * sine + look.shift.y);
  cv::Mat moved;
  cv::warpAffine(image, moved, matrix, image.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                 cv::BORDER_REFLECT_101);
  image = std::move(moved);
}

/// Returns the value tables of each channel: gain, gamma and haze.
std::array<cv::Vec3b, 256> tone_tables(const Look& look) {
  std::array<cv::Vec3b, 256> tables;
  for (size_t i = 0; i < 256; ++i) {
    for (size_t c = 0; c < 3; ++c)
      tables[i][static_cast<int>(c)] = static_cast<uint8_t>(toned(look.tone, c, static_cast<double>(i)));
  }
  return tables;
}

/// Adds shadows of clouds: soft spots, larger than a house.
void cloud(const Look& look, cv::Mat& image) {
  if (look.tone.clouds <= 0) return;
  const Tile& field = noise().large;
  for (int y = 0; y < image.rows; ++y) {
    const int8_t* row = field.row(static_cast<size_t>(y) / 2 + (look.weather >> 40));
    auto* to = image.ptr<uint8_t>(y);
    for (int x = 0; x < image.cols; ++x, to += 3) {
      const int column = x / 2;
      const double cover = std::clamp((row[column] + 10) / 40.0, 0.0, 1.0);
      const int light = 256 - static_cast<int>(256 * look.tone.clouds * cover);
      for (int c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(to[c] * light >> 8);
    }
  }
}

void saturate(double amount, cv::Mat& image) {
  constexpr std::array<double, 3> kGrey{0.299, 0.587, 0.114};
  cv::Matx33d matrix = cv::Matx33d::eye() * amount;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column)
      matrix(row, column) += (1 - amount) * kGrey[static_cast<size_t>(column)];
  }
  cv::transform(image, image, matrix);
}

/// Adds sensor noise: most of it common to all channels, some per channel.
void add_grain(const Look& look, cv::Mat& image) {
  const Tile& fine = noise().fine;
  const int strength = static_cast<int>(look.grain * 8);
  for (int y = 0; y < image.rows; ++y) {
    const auto line = static_cast<size_t>(y);
    const int8_t* common = fine.row(line + (look.weather >> 22));
    const int8_t* single = fine.row(line + (look.weather >> 45));
    auto* to = image.ptr<uint8_t>(y);
    for (int x = 0; x < image.cols; ++x, to += 3) {
      for (int c = 0; c < 3; ++c) {
        const int value = to[c] + ((2 * common[x] + single[x + 100 * c]) * strength >> 9);
        to[c] = static_cast<uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
}

void develop(const Look& look, cv::Mat& image) {
  cloud(look, image);
  saturate(look.tone.saturation, image);
  const auto tables = tone_tables(look);
  cv::LUT(image, cv::Mat(1, 256, CV_8UC3, const_cast<cv::Vec3b*>(tables.data())), image);
  add_grain(look, image);
}

void compress(const Look& look, cv::Mat& image) {
  if (look.jpeg == 0) return;
  std::vector<uint8_t> bytes;
  // The codec swaps red and blue, both in encoding and in decoding.
  const bool encoded = cv::imencode(".jpg", image, bytes, {cv::IMWRITE_JPEG_QUALITY, look.jpeg});
  if (encoded) image = cv::imdecode(bytes, cv::IMREAD_COLOR);
  // OpenCV hides that memory ran out, the only reason why this can fail.
  if (!encoded || image.empty()) throw std::bad_alloc();
}

}  // namespace

image::Image photograph(const View& view, Canvas& canvas) {
  cv::Mat& image = canvas.colour;
  const cv::Size whole = image.size();
  move(view.look, image);
  focus(view.look, image);
  develop(view.look, image);
  if (view.look.halved) cv::resize(image, image, {whole.width / 2, whole.height / 2}, 0, 0, cv::INTER_AREA);
  compress(view.look, image);
  if (view.look.halved) cv::resize(image, image, whole, 0, 0, cv::INTER_CUBIC);
  return {image.rows, image.cols, std::vector<uint8_t>(image.datastart, image.dataend)};
}

image::Image render(const View& view) {
  Canvas canvas(view.scene.size);
  paint_ground(view, canvas);
  paint_roads(view, canvas);
  paint_patches(view, canvas);
  paint_fences(view, canvas);
  paint_cars(view, canvas);
  paint_shadows(view, canvas);
  cast_shadows(view, canvas);
  paint_buildings(view, canvas);
  paint_trees(view, canvas);
  return photograph(view, canvas);
}

}  // namespace ccexpert::synth
