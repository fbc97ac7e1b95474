// Places of a change: the road beside it, the ground below it, the part of the scene.
#include "synth/phrases.h"

namespace ccexpert::synth {
namespace {

using Words = std::vector<const char*>;

/// Place of a region in the scene: -1, 0 or 1 for left, middle or right, and for top, middle or bottom.
struct Cell {
  int column = 0;
  int row = 0;
};

Cell cell_of(Region region) {
  const int index = static_cast<int>(region) - 1;
  return {index % 3 - 1, index / 3 - 1};
}

std::string corner_text(const Writer& writer, Cell cell) {
  const std::string side = cell.column < 0 ? "left" : "right";
  const bool top = cell.row < 0;
  const std::string of = writer.chance(writer.voice.in_scene) ? " of the scene" : "";
  switch (writer.random.weighted({0.62, 0.12, 0.1, 0.08, 0.08})) {
    case 0:
      return (writer.chance(0.5) ? " at the " : " in the ") + std::string(top ? "top " : "bottom ") + side +
             " corner" + of;
    case 1:
      return top ? " in the upper " + side + " corner" + of : " in the lower-" + side + " corner" + of;
    case 2:
      return top ? " on the upper " + side : " on the lower-" + side;
    case 3:
      return " in the corner of the scene";
    default:
      return std::string(" at the ") + (top ? "top " : "bottom ") + side;
  }
}

std::string side_text(const Writer& writer, Cell cell) {
  const std::string side = cell.column < 0 ? "left" : "right";
  if (writer.chance(writer.voice.in_scene))
    return " on the " + side + writer.pick({" side of the scene", " side of the scene", " of the scene"});
  return writer.pick({" on the ", " on the ", " in the "}) + side + (writer.chance(0.1) ? " side" : "");
}

std::string edge_text(const Writer& writer, Cell cell) {
  const std::string end = cell.row < 0 ? "top" : "bottom";
  const std::string of = writer.chance(writer.voice.in_scene) ? " of the scene" : "";
  return writer.pick({" at the ", " at the ", " at the ", " in the ", " on the "}) + end + of;
}

bool is_many(const Fact& fact) {
  return fact.count > 2;
}

std::string ground_words(const Writer& writer, Cover cover) {
  switch (cover) {
    case Cover::kBareland:
      return writer.pick({"on the bareland", "on the bareland", "on the bareland", "on the bareland",
                          "on the bareland", "on bareland", "in the bareland", "on the original bareland",
                          "in the open space", "in the clearing", "on the wasteland"});
    case Cover::kDesert:
      return writer.pick({"in the desert", "in the desert", "in the desert", "on the bareland"});
    case Cover::kMeadow:
      return writer.pick({"on the meadow", "on the meadow", "on the grass", "on the grassland",
                          "in the open space", "in the clearing"});
    case Cover::kDryland:
      return writer.pick({"on the bareland", "on the bareland", "on the bareland", "in the open space",
                          "in the clearing", "on the wasteland", "on the grass", "on the original bareland"});
    case Cover::kLawn:
      return writer.pick({"on the grass", "on the grass", "on the meadow", "on the lawn"});
    case Cover::kWoods:
      return writer.pick({"in the forest", "in the forest", "in the forest", "in the woods", "in the woods",
                          "in the woods", "among the trees", "in the wood"});
    default:
      return writer.pick({"on the land", "in the open space", "on the grassland", "on the bareland"});
  }
}

}  // namespace

std::string road_text(const Writer& writer, const Fact& fact) {
  const std::string road = fact.roadside == Roadside::kAlongSeveral ? "the roads" : "the road";
  if (fact.both_sides && writer.chance(writer.voice.both_sides)) return " on both sides of " + road;
  if (fact.one_side && writer.chance(0.2))
    return writer.pick({" on one side of ", " on one side of ", " on the side of "}) + road;
  const auto& sides = writer.voice.sides;
  const double along = sides[0] * (fact.roadside == Roadside::kNear || fact.count == 1 ? 0.2
                                   : is_many(fact)                                     ? 2
                                                                                       : 1);
  switch (
      writer.random.weighted({along, sides[1], sides[2], sides[3], sides[4], is_many(fact) ? sides[5] : 0})) {
    case 0:
      return " along " + road;
    case 1:
      return " beside " + road;
    case 2:
      return " next to " + road;
    case 3:
      return writer.chance(0.35) && road == "the road" ? " by the roadside" : " by " + road;
    case 4:
      return " near " + road;
    default:
      return " around " + road;
  }
}

std::string region_text(const Writer& writer, Region region) {
  if (region == Region::kNowhere) return "";
  const Cell cell = cell_of(region);
  if (cell.column != 0 && cell.row != 0) return corner_text(writer, cell);
  if (cell.column != 0) return side_text(writer, cell);
  if (cell.row != 0) return edge_text(writer, cell);
  const std::string middle = writer.pick({" in the middle", " in the center"});
  return middle + (writer.chance(writer.voice.in_scene + 0.2) ? " of the scene" : "");
}

std::string ground_text(const Writer& writer, Cover cover) {
  std::string text(1, ' ');
  return text += ground_words(writer, cover);
}

Subject cover_of(const Writer& writer, Cover cover) {
  switch (cover) {
    case Cover::kBareland:
      return {writer.pick({"the bareland", "the bareland", "the bareland", "bareland", "the wasteland",
                           "the original bareland"})};
    case Cover::kDesert:
      return {writer.pick({"the desert", "the desert", "the bareland"})};
    case Cover::kMeadow:
      return {writer.pick({"the grass", "the meadow", "the grassland", "the vegetation"})};
    case Cover::kDryland:
      return {writer.pick({"the bareland", "the bareland", "the wasteland", "the grassland", "the land"})};
    case Cover::kLawn:
      return {writer.pick({"the grass", "the lawn", "the meadow"})};
    case Cover::kWoods:
      // The rest of the wood may remain around the change.
      return {writer.pick({"some trees", "some trees", "some plants", "some of the trees",
                           "some of the original trees", "some of the former trees"}),
              true};
    default:
      return {writer.pick({"the land", "the grassland", "the bareland"})};
  }
}

std::string place_of(const Writer& writer, const Fact& fact) {
  std::string text;
  const bool built = fact.happening == Happening::kBuilt && fact.thing != Thing::kTrees;
  const double reach = fact.roadside == Roadside::kNear ? 0.6 : 1;
  if (fact.roadside != Roadside::kNone && writer.chance(reach * writer.voice.roadsides))
    text = road_text(writer, fact);
  const double rest = text.empty() ? 1 : 0.95;
  if (fact.at_edge && writer.chance(0.05)) return text + " at the edge of the scene";
  if (fact.region != Region::kNowhere && writer.chance(rest * writer.voice.regions))
    return text + region_text(writer, fact.region);
  if (built && fact.cover != Cover::kMixed &&
      writer.chance(rest * writer.voice.grounds * (fact.cover == Cover::kWoods ? 1.4 : 1)))
    return text + ground_text(writer, fact.cover);
  return text;
}

}  // namespace ccexpert::synth
