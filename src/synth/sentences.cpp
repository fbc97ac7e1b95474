#include "synth/sentences.h"

#include <algorithm>

namespace ccexpert::synth {
namespace {

/// Facts below this share of the scene are omitted: 0.3 %, about 14 x 14 pixels of 256 x 256.
constexpr double kWorthNaming = 0.003;

bool is_built(const Fact& fact, Thing thing) {
  return fact.thing == thing && fact.happening == Happening::kBuilt;
}

std::string clause(const Writer& writer, const Fact& fact, const std::string& place) {
  const auto subject = subject_of(writer, fact);
  return subject.text + " " + verb_of(writer, fact, subject.plural) + place;
}

/// Returns the part of the scene or the ground, each as often as the writer names it.
std::string ground_or_region(const Writer& writer, const Fact& fact) {
  if (fact.region != Region::kNowhere && writer.chance(writer.voice.regions))
    return region_text(writer, fact.region);
  if (fact.cover != Cover::kMixed && fact.happening == Happening::kBuilt &&
      writer.chance(writer.voice.grounds))
    return ground_text(writer, fact.cover);
  return "";
}

/// Returns the part of the scene or the ground that two facts share.
std::string shared_place(const Writer& writer, const Fact& one, const Fact& two) {
  if (one.region != two.region) return "";
  return ground_or_region(writer, {.happening = one.happening,
                                   .region = one.region,
                                   .cover = one.cover == two.cover ? one.cover : Cover::kMixed});
}

/// True if all houses of the first fact are along the new roads, and each of these has some.
bool lines_new_roads(const Told& told) {
  return told.road != nullptr && is_building(told.first) && told.first.new_road &&
         told.first.roads == told.road->count;
}

/// Returns "with some houses built along", or "with villas on both sides".
std::string lining(const Writer& writer, const Fact& houses) {
  const auto subject = bare_subject_of(writer, houses);
  if (houses.both_sides && writer.chance(0.35)) return " with " + subject.text + " on both sides";
  if (houses.one_side && writer.chance(0.15)) return " with " + subject.text + " on one side";
  return " with " + subject.text +
         writer.pick({" built along", " built along", " built along", " built alongside", " alongside",
                      " built around", " around", " on the sides"});
}

/// Returns "a road with villas built along", or an empty text if no new road has houses.
Subject road_with_houses(const Writer& writer, const Told& told) {
  if (!lines_new_roads(told) || told.first.count < 2) return {};
  const auto road = subject_of(writer, *told.road);
  return {road.text + lining(writer, told.first), road.plural};
}

/// Returns all that was built, for the end of a replacement.
Subject everything(const Writer& writer, const Told& told) {
  if (told.road != nullptr && told.first.happening == Happening::kBuilt) {
    if (auto lined = road_with_houses(writer, told); !lined.text.empty() && writer.chance(0.5)) return lined;
    if (writer.chance(0.8)) {
      const auto road = bare_subject_of(writer, *told.road);
      const auto other = bare_subject_of(writer, told.first);
      return {writer.chance(0.6) ? road.text + " and " + other.text : other.text + " and " + road.text, true};
    }
  }
  return subject_of(writer, told.first);
}

/// Returns the place of a road, also " across the forest".
std::string road_place(const Writer& writer, const Fact& road) {
  if (road.cover != Cover::kWoods || !writer.chance(0.4)) return ground_or_region(writer, road);
  return writer.pick(
      {" across the forest", " through the forest", " across the woods", " through the woods"});
}

/// Returns "a road is built across the forest", "the road is extended", and true if its subject is plural.
Subject road_clause(const Writer& writer, const Fact& road) {
  if (road.extends && writer.chance(0.5))
    return {writer.chance(writer.voice.perfect)
                ? "the road has been extended"
                : writer.pick({"the road is extended", "the road is built longer"})};
  const auto subject = subject_of(writer, road);
  return {subject.text + " " + verb_of(writer, road, subject.plural) + road_place(writer, road),
          subject.plural};
}

std::string becoming(const Writer& writer, const Subject& ground, const Subject& next) {
  const char* verb = ground.plural ? "become " : "becomes ";
  if (writer.chance(0.35)) verb = ground.plural ? "have turned into " : "has turned into ";
  if (writer.chance(0.15)) verb = ground.plural ? "turn into " : "turns into ";
  if (writer.chance(0.08)) verb = ground.plural ? "are developed into " : "is developed into ";
  return ground.text + " " + verb + next.text;
}

std::string replaced_by(const Writer& writer, const Subject& ground, const Subject& next) {
  const bool perfect = writer.chance(writer.voice.perfect);
  const char* be = ground.plural ? (perfect ? " have been" : " are") : (perfect ? " has been" : " is");
  return ground.text + be + " replaced by " + next.text;
}

/// True if trees were removed, and the first fact may be in their place: not on ground without crowns.
bool replaces_trees(const Told& told) {
  return told.cleared != nullptr && told.first.happening == Happening::kBuilt &&
         (told.first.cover == Cover::kWoods || told.first.cover == Cover::kMixed);
}

/// Returns "replacing the woods" in one of its forms, for the end of a clause; empty unless something was
/// built where trees were.
std::string in_place_of_trees(const Writer& writer, const Told& told) {
  if (!replaces_trees(told) || !writer.chance(0.4)) return "";
  return writer.pick({" to replace ", " replacing ", " in place of "}) + trees_of(writer, *told.cleared).text;
}

std::string rebuilt_house(const Writer& writer, const Fact& fact) {
  if (!fact.rebuilt) return "";
  const std::string verb = writer.chance(writer.voice.perfect) ? " been rebuilt" : " rebuilt";
  const bool perfect = verb.size() > 8;
  if (fact.count > 1) {
    const auto subject = subject_of(writer, fact);
    return subject.text + (subject.plural ? (perfect ? " have" : " are") : (perfect ? " has" : " is")) +
           verb + region_text(writer, fact.region);
  }
  const std::string house = writer.pick({"the house", "a house", "a building", "the building"});
  return house + (perfect ? " has" : " is") + verb + ground_or_region(writer, fact);
}

/// "a building with a parking lot is built beside the road"
std::string building_with_parking(const Writer& writer, const Told& told) {
  if (told.parking == nullptr) return "";
  const auto building = subject_of(writer, told.first);
  return building.text + " with " + subject_of(writer, *told.parking).text + " " +
         verb_of(writer, told.first, building.plural) + place_of(writer, told.first);
}

/// "two houses are replaced by a parking lot"
std::string in_place_of_houses(const Writer& writer, const Told& told) {
  const auto houses = std::find_if(told.facts.begin(), told.facts.end(), [](const Fact& fact) {
    return fact.thing == Thing::kHouse && fact.happening == Happening::kRemoved;
  });
  const auto place = std::find_if(told.facts.begin(), told.facts.end(),
                                  [](const Fact& fact) { return fact.in_place_of_houses; });
  if (houses == told.facts.end() || place == told.facts.end()) return "";
  return replaced_by(writer, subject_of(writer, *houses), subject_of(writer, *place)) +
         ground_or_region(writer, Fact{.region = place->region});
}

/// "a house with a path is built in the woods"
std::string house_with_path(const Writer& writer, const Told& told) {
  if (told.path == nullptr || !is_building(told.first) || !writer.chance(0.5)) return "";
  const auto houses = subject_of(writer, told.first);
  const auto path = subject_of(writer, *told.path);
  return houses.text + " with " + path.text + " " + verb_of(writer, told.first, houses.plural) +
         ground_or_region(writer, told.first);
}

/// "houses are scattered in the forest"; not for parks of trailers, whose rows no road tells.
std::string scattered(const Writer& writer, const Fact& fact) {
  const bool on_lots = fact.roadside == Roadside::kAlong || fact.roadside == Roadside::kAlongSeveral;
  if (!is_built(fact, Thing::kHouse) || !on_lots || fact.count < 3 || fact.rows > 0 || !writer.chance(0.12))
    return "";
  const auto place = fact.cover == Cover::kMixed ? "" : ground_text(writer, fact.cover);
  const auto houses = subject_of(writer, fact);
  return houses.text + " are scattered" + (place.empty() ? " in the scene" : place);
}

/// "a house is built between other houses"
std::string between_others(const Writer& writer, const Fact& fact) {
  const auto house = subject_of(writer, fact);
  return house.text + " " + verb_of(writer, fact, false) +
         writer.pick({" between other houses", " between two other houses", " between the existing houses",
                      " between two houses"}) +
         (writer.chance(0.5) ? road_text(writer, fact) : "");
}

/// "a house is built in the residential area"
std::string among_others(const Writer& writer, const Fact& fact) {
  if (!is_built(fact, Thing::kHouse) || !fact.among_houses || fact.count > 2) return "";
  if (fact.between && writer.chance(0.5)) return between_others(writer, fact);
  if (!writer.chance(0.35)) return "";
  const auto subject = subject_of(writer, fact);
  return subject.text + " " + verb_of(writer, fact, subject.plural) +
         writer.pick({" in the residential area", " in the residential area", " among other houses",
                      " near the original houses", " next to the old houses", " near the existing ones"}) +
         (fact.roadside != Roadside::kNone && writer.chance(0.4) ? road_text(writer, fact) : "");
}

}  // namespace

Told told_of(const std::vector<Fact>& facts) {
  Told told{facts, facts.front()};
  for (size_t i = 1; i < facts.size(); ++i) {
    const Fact& fact = facts[i];
    if (fact.area < kWorthNaming) continue;
    const bool cleared = fact.thing == Thing::kTrees && fact.happening == Happening::kRemoved;
    if (is_built(fact, Thing::kRoad) && told.road == nullptr)
      told.road = &fact;
    else if (cleared)
      told.cleared = &fact;
    else if (is_built(fact, Thing::kParking) && told.first.with_parking)
      told.parking = &fact;
    else if (is_built(fact, Thing::kPath))
      told.path = &fact;
    else if (told.other == nullptr)
      told.other = &fact;
  }
  return told;
}

std::string plain_sentence(const Writer& writer, const Told& told) {
  return clause(writer, told.first, place_of(writer, told.first)) + in_place_of_trees(writer, told);
}

std::string list_sentence(const Writer& writer, const Told& told) {
  const Fact* other = told.parking != nullptr ? told.parking
                      : told.road != nullptr  ? told.road
                      : told.path != nullptr  ? told.path
                                              : told.other;
  if (other == nullptr || other->happening != told.first.happening || other->thing == Thing::kTrees ||
      told.first.thing == Thing::kTrees)
    return "";
  auto one = bare_subject_of(writer, told.first);
  auto two = bare_subject_of(writer, *other);
  if (writer.chance(0.55)) std::swap(one, two);
  // A verb for buildings alone does not suit a road beside them.
  const Fact& verbal = is_building(*other) ? told.first : *other;
  return one.text + " and " + two.text + " " + verb_of(writer, verbal, true) +
         shared_place(writer, told.first, *other) + in_place_of_trees(writer, told);
}

std::string two_clauses(const Writer& writer, const Told& told) {
  if (told.road == nullptr) {
    if (told.other == nullptr) return "";
    return clause(writer, told.first, place_of(writer, told.first)) + " and " +
           clause(writer, *told.other, writer.chance(0.5) ? ground_or_region(writer, *told.other) : "");
  }
  const auto road = road_clause(writer, *told.road);
  const bool it = lines_new_roads(told) && told.first.both_sides && writer.chance(0.5);
  const std::string sides = road.plural ? " on both sides of them" : " on both sides of it";
  const auto first = clause(writer, told.first, it ? sides : place_of(writer, told.first));
  return it || writer.chance(0.75) ? road.text + " and " + first : first + " and " + road.text;
}

std::string lined_road(const Writer& writer, const Told& told) {
  const auto road = road_with_houses(writer, told);
  if (road.text.empty()) return "";
  return road.text + " " + verb_of(writer, *told.road, road.plural) +
         shared_place(writer, told.first, *told.road) + in_place_of_trees(writer, told);
}

std::string with_clearing(const Writer& writer, const Told& told) {
  if (told.cleared == nullptr || told.first.happening != Happening::kBuilt) return "";
  const auto trees = clause(writer, *told.cleared, "");
  Told rest = told;
  rest.cleared = nullptr;
  rest.other = nullptr;
  std::string built;
  const auto& habits = writer.voice;
  const int form = writer.random.weighted({0.25, habits.lined_roads, habits.lists, 0.5 * habits.pairs});
  if (form == 1) built = lined_road(writer, rest);
  if (form == 2) built = list_sentence(writer, rest);
  if (form == 3) built = two_clauses(writer, rest);
  if (built.empty()) built = plain_sentence(writer, rest);
  return writer.chance(0.85) ? trees + " and " + built : built + " and " + trees;
}

std::string replacement(const Writer& writer, const Told& told) {
  if (told.first.happening != Happening::kBuilt || told.first.thing == Thing::kTrees) return "";
  const bool trees = replaces_trees(told) && writer.chance(0.8);
  if (!trees && (told.first.cover == Cover::kMixed || told.first.area < 0.01)) return "";
  const auto ground = trees ? trees_of(writer, *told.cleared) : cover_of(writer, told.first.cover);
  const bool all = trees || (told.road != nullptr && told.road->cover == told.first.cover);
  const auto next = all ? everything(writer, told) : subject_of(writer, told.first);
  if (writer.chance(writer.voice.becoming)) return becoming(writer, ground, next);
  if (writer.chance(0.6)) return replaced_by(writer, ground, next);
  return next.text + (next.plural ? " replace " : " replaces ") + ground.text +
         (writer.chance(0.3) ? region_text(writer, told.first.region) : "");
}

std::string residential_area(const Writer& writer, const Told& told) {
  if (!is_built(told.first, Thing::kHouse) || told.first.count < 7) return "";
  std::string area = "a residential area";
  const bool roads = told.road != nullptr && told.road->count > 1;
  if (writer.chance(0.6))
    area += roads && writer.chance(0.5) ? " with many houses and roads" : " with many houses";
  return area + " " + verb_of(writer, told.first, false) + ground_or_region(writer, told.first);
}

std::string special_sentence(const Writer& writer, const Told& told) {
  if (auto text = rebuilt_house(writer, told.first); !text.empty()) return text;
  if (auto text = building_with_parking(writer, told); !text.empty()) return text;
  if (auto text = house_with_path(writer, told); !text.empty()) return text;
  if (auto text = scattered(writer, told.first); !text.empty()) return text;
  if (auto text = in_place_of_houses(writer, told); !text.empty() && writer.chance(0.5)) return text;
  return among_others(writer, told.first);
}

}  // namespace ccexpert::synth
