#include <algorithm>
#include <cmath>

#include "synth/noise.h"
#include "synth/paint.h"

namespace ccexpert::synth {
namespace {

/// Visits the pixels of a crown, aligned to whole pixels; calls `paint(x, y, index into the crown)` inside
/// the frame.
template <class Paint>
void each_pixel(const Crown& crown, Point centre, int size, const Paint& paint) {
  const int left = static_cast<int>(std::floor(centre.x)) - crown.side / 2;
  const int top = static_cast<int>(std::floor(centre.y)) - crown.side / 2;
  const int first = std::max(0, -left);
  const int last = std::min(crown.side, size - left);
  for (int y = std::max(0, -top); y < std::min(crown.side, size - top); ++y) {
    for (int x = first; x < last; ++x)
      paint(left + x, top + y,
            static_cast<size_t>(y) * static_cast<size_t>(crown.side) + static_cast<size_t>(x));
  }
}

bool in_frame(const Tree& tree, int size) {
  const double reach = 2 * tree.radius + 2;
  return tree.at.x > -reach && tree.at.y > -reach && tree.at.x < size + reach && tree.at.y < size + reach;
}

double leaves_of(const View& view, const Tree& tree) {
  // A third of the trees are evergreen; oak and juniper of Texas are.
  const double evergreen = view.scene.world == World::kTexas ? 0.65 : 0.35;
  return variate(tree.look, 3) < evergreen ? 1 : view.look.leaves;
}

Colour summer_colour(World world, const Tree& tree) {
  const double kind = variate(tree.look, 4);
  const double share = variate(tree.look, 5);
  if (world == World::kTexas)
    return kind < 0.7 ? mixed({54, 63, 46}, {72, 78, 54}, share) : mixed({66, 76, 48}, {94, 92, 64}, share);
  return kind < 0.6 ? mixed({58, 74, 46}, {74, 88, 52}, share) : mixed({66, 82, 44}, {92, 98, 58}, share);
}

Colour leaf_colour(const View& view, const Tree& tree) {
  const Look& look = view.look;
  const Colour summer = summer_colour(view.scene.world, tree);
  const Colour dry = mixed(summer, {98, 92, 58}, 0.3 * (1 - look.green));
  const Colour twigs = mixed({104, 96, 84}, {112, 100, 102}, variate(tree.look, 12));
  const Colour crown = mixed(twigs, dry, leaves_of(view, tree));
  const double own = 0.86 + 0.28 * variate(on_day(look, tree.look), 11);
  return {crown.r * look.foliage.r * own, crown.g * look.foliage.g * own, crown.b * look.foliage.b * own};
}

void shade(const View& view, const Tree& tree, const Crown& crown, Canvas& canvas) {
  const double height = tree.radius * (1.1 + 0.5 * variate(tree.look, 6));
  const auto strength = static_cast<int>(110 + 130 * leaves_of(view, tree));
  for (const double share : {0.5, 1.0}) {
    each_pixel(crown, tree.at + view.look.shadow * (height * share), view.scene.size,
               [&](int x, int y, size_t index) {
                 auto& to = canvas.shadow.at<uint8_t>(y, x);
                 to = std::max(to, static_cast<uint8_t>(crown.alpha[index] * strength >> 8));
               });
  }
}

void paint(const View& view, const Tree& tree, const Crown& crown, Canvas& canvas) {
  const Point to_sun = unit(view.look.shadow) * -1;
  const int sun_x = static_cast<int>(to_sun.x * 210 * std::cos(view.look.elevation));
  const int sun_y = static_cast<int>(to_sun.y * 210 * std::cos(view.look.elevation));
  const Colour leaf = leaf_colour(view, tree);
  const std::array<int, 3> colour{static_cast<int>(leaf.r), static_cast<int>(leaf.g),
                                  static_cast<int>(leaf.b)};
  const int cover = static_cast<int>(140 + 116 * leaves_of(view, tree));
  const Point centre = tree.at + view.look.lean * (1.2 * tree.radius);
  each_pixel(crown, centre, view.scene.size, [&](int x, int y, size_t index) {
    const int alpha = crown.alpha[index] * cover >> 8;
    if (alpha == 0) return;
    // A surface that slopes away from the sun is dark: light against the slope.
    const int lit = 105 + (crown.height[index] * 5 >> 3) -
                    ((crown.slope_x[index] * sun_x + crown.slope_y[index] * sun_y) >> 7);
    const int light = std::clamp(lit, 40, 420);
    auto* to = canvas.colour.ptr<uint8_t>(y, x);
    for (size_t c = 0; c < 3; ++c) {
      const int value = std::min(colour[c] * light >> 8, 255);
      to[c] = static_cast<uint8_t>(to[c] + ((value - to[c]) * alpha >> 8));
    }
  });
}

/// True if a tree is visible on this day: some small trees are cut, pruned or hidden, which is not a change.
bool is_seen(const View& view, const Tree& tree) {
  if (view.look.thinning <= 0 || tree.radius > 3.5 * view.scene.metre) return true;
  return variate(on_day(view.look, tree.look), 9) >= view.look.thinning;
}

/// Returns the tree as it is on this day: in Texas crowns lean to another side and grow unevenly.
Tree grown(const View& view, const Tree& tree) {
  if (view.scene.world == World::kVaried) return tree;
  const auto day = on_day(view.look, tree.look);
  Tree moved = tree;
  moved.at = tree.at + Point{variate(day, 17) - 0.5, variate(day, 18) - 0.5} * (0.6 * tree.radius);
  moved.radius = tree.radius * (0.8 + 0.4 * variate(day, 19));
  return moved;
}

template <class Action>
void each_tree(const View& view, const Action& action) {
  for (const auto* plants : {&view.scene.shrubs, &view.scene.trees}) {
    for (const auto& tree : *plants) {
      if (!stands(tree.dates, view.date) || !in_frame(tree, view.scene.size) || !is_seen(view, tree))
        continue;
      const double own = 0.85 + 0.3 * variate(on_day(view.look, tree.look), 10);
      // Branches grow and are lit anew: at another date the crown has another form.
      const bool same = view.scene.world == World::kVaried;
      const uint32_t form = same ? tree.look : on_day(view.look, tree.look);
      action(grown(view, tree), crown(tree.radius * view.look.growth * own, form / 7));
    }
  }
}

}  // namespace

void cast_shadows(const View& view, Canvas& canvas) {
  each_tree(view, [&](const Tree& tree, const Crown& form) { shade(view, tree, form, canvas); });
  // Light of the sky is blue, so shadows lose red first.
  const std::array<double, 3> left{view.look.shade * 0.88, view.look.shade, view.look.shade * 1.12};
  std::array<std::array<int, 256>, 3> factor{};
  for (size_t c = 0; c < 3; ++c) {
    for (size_t s = 0; s < 256; ++s)
      factor[c][s] = static_cast<int>(256 * (1 - (1 - left[c]) * static_cast<double>(s) / 255));
  }
  for (int y = 0; y < canvas.colour.rows; ++y) {
    auto* to = canvas.colour.ptr<uint8_t>(y);
    const auto* shadow = canvas.shadow.ptr<uint8_t>(y);
    for (int x = 0; x < canvas.colour.cols; ++x, to += 3) {
      if (shadow[x] == 0) continue;
      for (size_t c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(to[c] * factor[c][shadow[x]] >> 8);
    }
  }
}

void paint_trees(const View& view, Canvas& canvas) {
  each_tree(view, [&](const Tree& tree, const Crown& form) { paint(view, tree, form, canvas); });
}

}  // namespace ccexpert::synth
