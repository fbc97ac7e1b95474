// The steps of painting a scene as it looks at one date, in order.
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

/// What is painted: a scene, at a date, under a look.
struct View {
  const Scene& scene;
  int date;
  const Look& look;
};

inline cv::Scalar scalar(Colour colour) {
  return {colour.r, colour.g, colour.b};
}

/// A number of [0, 1) that a look and a use decide, the same at both dates.
double variate(uint32_t look, uint32_t use);

/// Grass that is watered and mown, at this date.
Colour lawn_colour(const View& view);

void paint_ground(const View& view, Canvas& canvas);
void paint_roads(const View& view, Canvas& canvas);
void paint_patches(const View& view, Canvas& canvas);
void paint_cars(const View& view, Canvas& canvas);
void paint_fences(const View& view, Canvas& canvas);

/// Shadows of everything that stands; painted ones fall on the ground when they are cast.
void paint_shadows(const View& view, Canvas& canvas);
void cast_shadows(const View& view, Canvas& canvas);

void paint_buildings(const View& view, Canvas& canvas);
void paint_trees(const View& view, Canvas& canvas);

/// From light to picture: air, optics, sensor, compression.
Image photograph(const View& view, Canvas& canvas);

/// All of it.
Image render(const View& view);

}  // namespace ccexpert::synth
