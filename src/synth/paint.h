// Steps of painting a scene at one date, in order.
#pragma once

#include <ccexpert/image/image.h>

#include "synth/look.h"
#include "synth/pixels.h"
#include "synth/scene.h"

namespace ccexpert::synth {

struct Canvas {
  cv::Mat colour;  ///< 8-bit RGB
  cv::Mat shadow;  ///< 8 bits, 255 in full shadow

  explicit Canvas(int size) : colour(size, size, CV_8UC3), shadow(size, size, CV_8U, cv::Scalar(0)) {}
};

/// Input of painting: a scene, a date and a look.
struct View {
  const Scene& scene;
  int date;
  const Look& look;
};

inline cv::Scalar scalar(Colour colour) {
  return {colour.r, colour.g, colour.b};
}

/// Returns a number in [0, 1) determined by a look and a use, the same at both dates.
double variate(uint32_t look, uint32_t use);

/// Returns the colour of watered and mown grass at this date.
Colour lawn_colour(const View& view);

void paint_ground(const View& view, Canvas& canvas);
void paint_roads(const View& view, Canvas& canvas);
void paint_patches(const View& view, Canvas& canvas);
void paint_cars(const View& view, Canvas& canvas);
void paint_fences(const View& view, Canvas& canvas);

/// `paint_shadows` adds the shadows of buildings; `cast_shadows` adds those of trees and darkens the ground.
void paint_shadows(const View& view, Canvas& canvas);
void cast_shadows(const View& view, Canvas& canvas);

void paint_buildings(const View& view, Canvas& canvas);
void paint_trees(const View& view, Canvas& canvas);

/// Converts light to a picture: air, optics, sensor, compression.
image::Image photograph(const View& view, Canvas& canvas);

/// Runs all steps.
image::Image render(const View& view);

}  // namespace ccexpert::synth
