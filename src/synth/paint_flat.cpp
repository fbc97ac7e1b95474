// Roads, driveways, pools, courts, cars and fences.
#include <algorithm>
#include <cmath>

#include "synth/paint.h"

namespace ccexpert::synth {
namespace {

constexpr Colour kConcrete{196, 190, 176};

Colour surface_colour(const Road& road, uint32_t look) {
  const double tone = 0.9 + 0.2 * variate(look, 11);
  switch (road.surface) {
    case Surface::kDark:
      return Colour{92, 92, 92} * tone;
    case Surface::kConcrete:
      return Colour{184, 178, 165} * tone;
    case Surface::kCaliche:
      return Colour{200, 188, 160} * tone;
    default:
      return Colour{140, 137, 130} * tone;
  }
}

int thick(double pixels) {
  return std::max(1, static_cast<int>(std::lround(pixels)));
}

template <class Paint>
void each_road(const View& view, const Paint& paint) {
  for (const auto& road : view.scene.roads) {
    if (stands(road.dates, view.date)) paint(road);
  }
}

void disc(Canvas& canvas, const Road& road, double more, Colour colour) {
  if (road.bulb > 0) fill(canvas.colour, circle(road.line.back(), road.bulb + more), scalar(colour));
}

void paint_sidewalks(const View& view, Canvas& canvas) {
  const double m = view.scene.metre;
  each_road(view, [&](const Road& road) {
    if (!road.sidewalk) return;
    fill(canvas.colour, band(road.line, road.half(view.date) + 1.9 * m), scalar(kConcrete * 0.98));
    disc(canvas, road, 0, kConcrete);
  });
  each_road(view, [&](const Road& road) {
    if (road.sidewalk)
      fill(canvas.colour, band(road.line, road.half(view.date) + 0.9 * m), scalar(lawn_colour(view)));
  });
}

void paint_markings(const View& view, const Road& road, Canvas& canvas) {
  const double m = view.scene.metre;
  const double end = line_length(road.line);
  const double half = road.half(view.date);
  for (const double aside : {-0.42, -0.05, 0.05, 0.42}) {
    const bool yellow = std::abs(aside) < 0.1;
    const Colour colour = yellow ? Colour{190, 165, 90} : Colour{205, 205, 200};
    const double dash = yellow ? 12 * m : 3 * m;
    for (const double at : marks(0, end, yellow ? dash : 9 * m)) {
      const Station from = station(road.line, at);
      const Station to = station(road.line, at + dash);
      stroke(
          canvas.colour,
          {from.at + turned(from.along) * (aside * 2 * half), to.at + turned(to.along) * (aside * 2 * half)},
          1, scalar(colour));
    }
  }
}

/// Returns the joints between sections of asphalt, 20 to 70 m apart.
std::vector<double> joints(uint32_t look, double length, double metre) {
  std::vector<double> all;
  double at = 30 * variate(look, 5);
  while (at < length) {
    all.push_back(at);
    at += (20 + 50 * variate(look, static_cast<uint32_t>(at))) * metre;
  }
  return all;
}

/// Returns a number for a road that is the same at both dates.
uint32_t place_of(const Road& road) {
  return static_cast<uint32_t>(static_cast<int>(16 * (road.line.front().x + 3 * road.line.front().y)));
}

/// Returns the brightness of a pavement on this day: it bleaches, is wet, and is re-laid.
double age_of(const View& view, uint32_t look) {
  const auto day = on_day(view.look, look);
  const double again = view.scene.world == World::kTexas ? 0.45 : 0.2;
  if (variate(day, 15) < again) return 0.6 + 0.85 * variate(day, 16);
  return 0.87 + 0.26 * variate(static_cast<uint32_t>(view.look.weather >> 13), 12);
}

void paint_asphalt(const View& view, const Road& road, Canvas& canvas) {
  const auto look = static_cast<uint32_t>(view.scene.texture) + static_cast<uint32_t>(road.surface);
  const Colour colour = surface_colour(road, look) * age_of(view, place_of(road));
  const double half = road.half(view.date);
  fill(canvas.colour, band(road.line, half), scalar(colour));
  disc(canvas, road, -1, colour);
  if (road.surface == Surface::kCaliche) return;
  // Wheels polish two tracks per lane.
  for (const double aside : {-0.62, -0.3, 0.3, 0.62})
    stroke(canvas.colour, moved_aside(road.line, aside * half), thick(0.12 * half), scalar(colour * 0.955));
  for (const double at : joints(look, line_length(road.line), view.scene.metre)) {
    const Station joint = station(road.line, at);
    stroke(canvas.colour, {joint.at + turned(joint.along) * half, joint.at - turned(joint.along) * half}, 1,
           scalar(colour * 0.9));
  }
}

Colour vary(Colour colour, uint32_t look, double amount) {
  return colour * (1 + amount * (variate(look, 21) - 0.5));
}

void paint_lines(Canvas& canvas, const Box& box, Colour colour) {
  Polygon outline = box.outline();
  outline.push_back(outline.front());
  stroke(canvas.colour, outline, 1, scalar(colour));
}

void paint_parking(const View& view, const Patch& patch, Canvas& canvas) {
  const double m = view.scene.metre;
  const Box& box = patch.frame;
  const Colour base =
      vary(patch.look % 3 == 0 ? Colour{172, 168, 158} : Colour{112, 111, 108}, patch.look, 0.25) *
      age_of(view, patch.look);
  fill_convex(canvas.colour, box.grown(0.4 * m).corners(), scalar(kConcrete * 0.95));
  fill_convex(canvas.colour, box.corners(), scalar(base));
  for (const double across : marks(-box.depth / 2 + 3.2 * m, box.depth / 2 - 2.5 * m, 8.8 * m)) {
    for (const double along : marks(-box.width / 2 + 2.8 * m, box.width / 2 - m, 2.8 * m))
      stroke(canvas.colour, {box.at(along, across - 2.4 * m), box.at(along, across + 2.4 * m)}, 1,
             scalar(mixed(base, {225, 225, 220}, 0.6)));
  }
}

void paint_pond(const View& view, const Patch& patch, Canvas& canvas) {
  const auto day = on_day(view.look, patch.look);
  // Clear, muddy or green, depending on the weather.
  const Colour clear = mixed({46, 58, 52}, patch.look % 2 == 0 ? Colour{92, 98, 74} : Colour{52, 76, 88},
                             variate(patch.look, 3));
  const Colour green = variate(day, 8) < 0.5 ? Colour{56, 84, 44} : Colour{116, 114, 62};
  const Colour other = variate(day, 4) < 0.5 ? Colour{112, 100, 78} : green;
  const double often = view.scene.world == World::kTexas ? 0.6 : 0.3;
  const Colour water =
      mixed(clear, other, variate(day, 5) < often ? variate(day, 6) : 0) * (0.85 + 0.3 * variate(day, 7));
  const Colour bank = mixed(lawn_colour(view), {150, 134, 102}, 0.5);
  const auto inner = [&](double share) {
    Polygon outline;
    for (const Point point : patch.outline)
      outline.push_back(patch.frame.centre + (point - patch.frame.centre) * share);
    return outline;
  };
  fill(canvas.colour, inner(1.07), scalar(bank));
  fill(canvas.colour, patch.outline, scalar(water * 1.12));
  fill(canvas.colour, inner(0.9), scalar(water));
  fill(canvas.colour, inner(0.6), scalar(water * 0.94));
}

void paint_pool(const View& view, const Patch& patch, Canvas& canvas) {
  Polygon rim;
  for (const Point point : patch.outline) {
    const Point away = point - patch.frame.centre;
    rim.push_back(point + unit(away) * (1.5 * view.scene.metre));
  }
  fill(canvas.colour, rim, scalar(kConcrete * 1.04));
  fill(canvas.colour, patch.outline, scalar(vary({78, 168, 186}, patch.look, 0.3)));
}

void paint_playground(const View& view, const Patch& patch, Canvas& canvas) {
  const Box& box = patch.frame;
  fill_convex(
      canvas.colour, box.corners(),
      scalar(vary(patch.look % 2 == 0 ? Colour{186, 160, 116} : Colour{150, 84, 66}, patch.look, 0.2)));
  paint_lines(canvas, box, kConcrete);
  constexpr std::array<Colour, 4> kToys{{{190, 60, 50}, {60, 90, 170}, {214, 180, 60}, {70, 130, 80}}};
  for (uint32_t i = 0; i < 5; ++i) {
    const Point at = box.at((variate(patch.look, i) - 0.5) * 0.7 * box.width,
                            (variate(patch.look, i + 40) - 0.5) * 0.7 * box.depth);
    const double side = (2 + 2 * variate(patch.look, i + 80)) * view.scene.metre;
    fill_convex(canvas.colour,
                Box{at, direction(variate(patch.look, i + 60) * 3), side, side * 0.6}.corners(),
                scalar(kToys[i % 4]));
    fill_convex(canvas.shadow,
                Box{at + view.look.shadow * (1.6 * view.scene.metre), box.axis, side, side * 0.6}.corners(),
                cv::Scalar(200));
  }
}

void paint_court(const View&, const Patch& patch, Canvas& canvas) {
  const Box& box = patch.frame;
  constexpr std::array<Colour, 3> kBase{{{70, 112, 88}, {150, 92, 76}, {84, 104, 136}}};
  fill_convex(canvas.colour, box.corners(), scalar(vary(kBase[patch.look % 3], patch.look, 0.2)));
  Box inner = box.grown(-0.12 * box.depth);
  fill_convex(canvas.colour, inner.corners(), scalar(vary(kBase[(patch.look / 3) % 3], patch.look, 0.2)));
  paint_lines(canvas, inner, {225, 225, 220});
  stroke(canvas.colour, {inner.at(0, -inner.depth / 2), inner.at(0, inner.depth / 2)}, 1,
         scalar({225, 225, 220}));
  inner.width /= 2;
  paint_lines(canvas, inner, {215, 215, 210});
}

void paint_field(const View&, const Patch& patch, Canvas& canvas) {
  const Box& box = patch.frame;
  const bool running = patch.look % 2 == 0;
  fill_convex(canvas.colour, box.corners(), scalar(running ? Colour{168, 92, 72} : Colour{62, 104, 46}));
  const Box grass = box.grown(running ? -0.1 * box.depth : 0);
  constexpr int kStripes = 10;
  for (int i = 0; i < kStripes; ++i) {
    const Box stripe{grass.at(((i + 0.5) / kStripes - 0.5) * grass.width, 0), grass.axis,
                     grass.width / kStripes + 0.5, grass.depth};
    fill_convex(canvas.colour, stripe.corners(), scalar(Colour{64, 104, 48} * (i % 2 == 0 ? 1.0 : 1.14)));
  }
  const Box lines = grass.grown(-0.06 * box.depth);
  paint_lines(canvas, lines, {220, 224, 214});
  stroke(canvas.colour, {lines.at(0, -lines.depth / 2), lines.at(0, lines.depth / 2)}, 1,
         scalar({220, 224, 214}));
  Polygon middle = circle(lines.centre, 0.14 * lines.depth);
  middle.push_back(middle.front());
  stroke(canvas.colour, middle, 1, scalar({220, 224, 214}));
}

void paint_slab(const View& view, const Patch& patch, Canvas& canvas) {
  const double bright = view.scene.world == World::kTexas ? 1.12 : 1.04;
  fill(canvas.colour, patch.outline, scalar(vary(kConcrete * bright, patch.look, 0.2)));
}

}  // namespace

void paint_roads(const View& view, Canvas& canvas) {
  paint_sidewalks(view, canvas);
  each_road(view, [&](const Road& road) {
    fill(canvas.colour, band(road.line, road.half(view.date) + 0.5), scalar(kConcrete * 1.02));
    disc(canvas, road, 0.5, kConcrete * 1.02);
  });
  each_road(view, [&](const Road& road) { paint_asphalt(view, road, canvas); });
  each_road(view, [&](const Road& road) {
    if (road.median <= 0) return;
    fill(canvas.colour, band(road.line, road.median / 2 + 0.4 * view.scene.metre), scalar(kConcrete));
    fill(canvas.colour, band(road.line, road.median / 2), scalar(lawn_colour(view)));
  });
  each_road(view, [&](const Road& road) {
    if (road.marked) paint_markings(view, road, canvas);
  });
}

void paint_patches(const View& view, Canvas& canvas) {
  using Paint = void (*)(const View&, const Patch&, Canvas&);
  constexpr std::array<Paint, 8> kPaint{paint_slab, paint_slab,       paint_parking, paint_pond,
                                        paint_pool, paint_playground, paint_court,   paint_field};
  for (const auto& patch : view.scene.patches) {
    if (stands(patch.dates, view.date)) kPaint[static_cast<size_t>(patch.kind)](view, patch, canvas);
  }
}

void paint_cars(const View& view, Canvas& canvas) {
  constexpr std::array<Colour, 7> kPaint{{{225, 225, 225},
                                          {40, 40, 44},
                                          {120, 122, 126},
                                          {170, 172, 175},
                                          {140, 36, 34},
                                          {44, 62, 110},
                                          {205, 200, 190}}};
  for (const auto& car : view.scene.cars) {
    if (!stands(car.dates, view.date)) continue;
    // A different car on the other day.
    const Colour colour = kPaint[(car.look + static_cast<uint32_t>(view.date) * 3) % kPaint.size()];
    const Box shade{car.box.centre + view.look.shadow * (0.9 * view.scene.metre), car.box.axis, car.box.width,
                    car.box.depth};
    fill_convex(canvas.shadow, shade.corners(), cv::Scalar(220));
    fill_convex(canvas.colour, car.box.corners(), scalar(colour));
    const Box glass{car.box.at(0.12 * car.box.width, 0), car.box.axis, 0.16 * car.box.width,
                    0.8 * car.box.depth};
    fill_convex(canvas.colour, glass.corners(), scalar(colour * 0.45));
  }
}

void paint_fences(const View& view, Canvas& canvas) {
  const bool texas = view.scene.world == World::kTexas;
  for (const auto& fence : view.scene.fences) {
    if (!stands(fence.dates, view.date)) continue;
    const Point reach = view.look.shadow * ((fence.passing ? 0.2 : 1.8) * view.scene.metre);
    for (size_t i = 1; i < fence.line.size(); ++i) {
      const Point a = fence.line[i - 1];
      const Point b = fence.line[i];
      fill_convex(canvas.shadow, std::array{a, b, b + reach, a + reach},
                  cv::Scalar(fence.passing ? 90 : 205));
    }
    stroke(canvas.colour, fence.line, 1, scalar(texas ? Colour{84, 76, 64} : Colour{120, 104, 84}));
  }
}

}  // namespace ccexpert::synth
