#include "synth/phrases.h"

#include <array>
#include <vector>

namespace ccexpert::synth {
namespace {

using Words = std::vector<const char*>;

struct Noun {
  const char* one;
  const char* many;
};

Noun house_noun(Random& random) {
  constexpr std::array<Noun, 3> kNouns{{{"house", "houses"}, {"villa", "villas"}, {"building", "buildings"}}};
  return kNouns[static_cast<size_t>(random.weighted({0.6, 0.3, 0.1}))];
}

Noun noun_of(Random& random, const Fact& fact) {
  const bool first = random.chance(0.6);
  switch (fact.thing) {
    case Thing::kHouse:
      return house_noun(random);
    case Thing::kLarge:
      return first ? Noun{"large building", "large buildings"} : Noun{"building", "buildings"};
    case Thing::kRoad:
      return {"road", "roads"};
    case Thing::kParking:
      return {"parking lot", "parking lots"};
    case Thing::kPond:
      return fact.area > 0.05 && first ? Noun{"lake", "lakes"} : Noun{"pond", "ponds"};
    case Thing::kPool:
      return first ? Noun{"swimming pool", "swimming pools"} : Noun{"pool", "pools"};
    case Thing::kPlayground:
      return {"playground", "playgrounds"};
    case Thing::kCourt:
      return first ? Noun{"sports field", "sports fields"} : Noun{"sports court", "sports courts"};
    case Thing::kField:
      return first ? Noun{"sports field", "sports fields"} : Noun{"playground", "playgrounds"};
    default:
      return {"tree", "trees"};
  }
}

std::string quantity(Random& random, const Fact& fact) {
  constexpr std::array<const char*, 5> kNumbers{"", "a", "two", "three", "four"};
  const Words few{"some", "several"};
  const Words many{"many", "many", "lots of", "some"};
  if (fact.more && fact.happening == Happening::kBuilt && fact.count > 1 && random.chance(0.25))
    return "more";
  if (fact.in_row && random.chance(0.45)) return "a row of";
  if (fact.count == 2) return random.chance(0.8) ? "two" : "some";
  if (fact.count < 5)
    return random.chance(0.55) ? kNumbers[static_cast<size_t>(fact.count)] : random.pick(few);
  return fact.count < 8 ? random.pick(few) : random.pick(many);
}

std::string road_text(Random& random, const Fact& fact) {
  if (fact.both_sides && random.chance(0.6)) return " on both sides of the road";
  if (fact.count > 1) return random.chance(0.8) ? " along the road" : " beside the road";
  const Words words{" beside the road", " next to the road", " near the road", " by the road"};
  return random.pick(words);
}

std::string ground_text(Random& random, Cover cover) {
  const auto ground = cover_of(random, cover);
  const bool within = cover == Cover::kDesert || cover == Cover::kWoods || cover == Cover::kField;
  return (within ? " in " : " on ") + ground.text;
}

std::string passive(Random& random, bool plural, const Words& verbs) {
  const std::string verb = random.pick(verbs);
  if (random.chance(0.4)) return (plural ? "have been " : "has been ") + verb;
  return (plural ? "are " : "is ") + verb;
}

}  // namespace

Subject subject_of(Random& random, const Fact& fact) {
  const Noun noun = noun_of(random, fact);
  if (fact.happening == Happening::kWidened) return {"the road", false};
  if (fact.count == 1) return {std::string("a ") + noun.one, false};
  const auto amount = quantity(random, fact);
  return {amount + " " + noun.many, amount != "a row of"};
}

std::string region_text(Random& random, Region region) {
  static const std::array<Words, 10> texts{{
      {""},
      {" in the top left corner", " in the upper left corner", " on the top left of the scene"},
      {" at the top of the scene", " on the top of the scene", " in the upper part of the scene"},
      {" in the top right corner", " in the upper right corner", " on the top right of the scene"},
      {" on the left of the scene", " on the left side of the scene", " on the left"},
      {" in the middle of the scene", " in the center of the scene", " in the middle"},
      {" on the right of the scene", " on the right side of the scene", " on the right"},
      {" in the bottom left corner", " in the lower left corner", " on the bottom left of the scene"},
      {" at the bottom of the scene", " on the bottom of the scene", " in the lower part of the scene"},
      {" in the bottom right corner", " in the lower right corner", " on the bottom right of the scene"},
  }};
  return random.pick(texts[static_cast<size_t>(region)]);
}

Subject cover_of(Random& random, Cover cover) {
  static const std::array<Words, 7> names{{
      {"the bareland", "the bareland", "the wasteland", "the land"},
      {"the desert"},
      {"the meadow", "the grassland", "the grass"},
      {"the wasteland", "the grassland", "the land"},
      {"the lawn", "the grass", "the grassland"},
      {"the woods", "the forest", "the trees"},
      {"the field", "the farmland"},
  }};
  const std::string name = random.pick(names[static_cast<size_t>(cover)]);
  return {name, name == "the woods" || name == "the trees"};
}

std::string place_of(Random& random, const Fact& fact) {
  const bool somewhere = fact.region != Region::kNowhere;
  const bool on_ground =
      fact.happening == Happening::kBuilt && fact.cover != Cover::kMixed && fact.thing != Thing::kTrees;
  if (fact.along_road && random.chance(0.45)) {
    return road_text(random, fact) +
           (somewhere && random.chance(0.3) ? region_text(random, fact.region) : "");
  }
  if (somewhere && random.chance(0.65)) return region_text(random, fact.region);
  if (on_ground && random.chance(0.6)) return ground_text(random, fact.cover);
  return random.chance(0.35) ? " in the scene" : "";
}

std::string verb_of(Random& random, const Fact& fact, bool plural) {
  const bool trees = fact.thing == Thing::kTrees;
  switch (fact.happening) {
    case Happening::kBuilt:
      if (random.chance(0.3)) return plural ? "appear" : "appears";
      return passive(random, plural,
                     trees ? Words{"planted", "grown"} : Words{"built", "built", "constructed"});
    case Happening::kRemoved:
      if (random.chance(0.3)) return plural ? "disappear" : "disappears";
      return passive(
          random, plural,
          trees ? Words{"removed", "removed", "cut down"} : Words{"removed", "demolished", "torn down"});
    default:
      if (random.chance(0.3)) return "becomes wider";
      return passive(random, plural, {"widened"});
  }
}

}  // namespace ccexpert::synth
