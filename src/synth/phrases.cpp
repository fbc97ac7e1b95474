#include "synth/phrases.h"

namespace ccexpert::synth {
namespace {

using Words = std::vector<const char*>;

struct Noun {
  std::string one;
  std::string many;
};

Noun noun(const std::string& one) {
  return {one, one + "s"};
}

/// Small and large houses have names of their own.
Noun house_noun(const Writer& writer, const Fact& fact) {
  constexpr double kSmall = 130;  // square metres
  constexpr double kLarge = 320;
  if (fact.square_metres < kSmall && writer.chance(0.4))
    return writer.random.pick(std::vector<Noun>{noun("small house"), noun("small house"),
                                                noun("small building"), noun("room"), noun("bungalow")});
  if (fact.square_metres > kLarge && writer.chance(0.14))
    return writer.random.pick(std::vector<Noun>{noun("mansion"), noun("large villa"), noun("large house")});
  if (fact.count > 2 && writer.chance(0.03)) return noun("detached house");
  const auto& weights = writer.voice.nouns;
  constexpr std::array kNouns{"house", "villa", "building"};
  return noun(kNouns[static_cast<size_t>(writer.random.weighted({weights[0], weights[1], weights[2]}))]);
}

Noun large_noun(const Writer& writer) {
  const Words words{"building", "building", "large building", "large building", "huge building", "warehouse"};
  return noun(writer.pick(words));
}

Noun road_noun(const Writer& writer, const Fact& fact) {
  if (fact.concrete && writer.chance(0.12)) return noun(writer.pick({"cement road", "concrete road"}));
  if (!writer.chance(0.22)) return noun("road");
  switch (fact.form) {
    case RoadForm::kStraight:
      return noun("straight road");
    case RoadForm::kWinding:
      return noun(writer.pick({"winding road", "winding road", "curved road", "turning road", "arc road"}));
    default:
      return noun(fact.count == 1 && writer.chance(0.12) ? "street" : "road");
  }
}

Noun noun_of(const Writer& writer, const Fact& fact) {
  const bool first = writer.chance(0.6);
  switch (fact.thing) {
    case Thing::kHouse:
      return house_noun(writer, fact);
    case Thing::kLarge:
      return large_noun(writer);
    case Thing::kRoad:
      return road_noun(writer, fact);
    case Thing::kParking:
      return noun("parking lot");
    case Thing::kPond:
      return noun(fact.area > 0.05 && first ? "lake" : "pond");
    case Thing::kPool:
      return noun(first ? "swimming pool" : "pool");
    case Thing::kPlayground:
      return noun("playground");
    case Thing::kCourt:
      return noun(first || fact.count > 1 ? "playground" : "court");
    case Thing::kField:
      return noun(first || fact.count > 1 ? "playground" : "sports field");
    case Thing::kPath:
      return noun(writer.chance(0.75) ? "path" : "small track");
    default:
      return noun("tree");
  }
}

std::string number(int count) {
  constexpr std::array<const char*, 7> kNumbers{"", "one", "two", "three", "four", "five", "six"};
  return kNumbers[static_cast<size_t>(count)];
}

/// Larger counts have a number less often.
double number_weight(const Writer& writer, int count) {
  constexpr std::array<double, 7> kFactors{0, 0, 1.5, 0.8, 0.4, 0.2, 0.1};
  return count < 7 ? writer.voice.amounts[0] * kFactors[static_cast<size_t>(count)] : 0;
}

std::string quantity(const Writer& writer, int count) {
  const auto& amounts = writer.voice.amounts;
  const double some = amounts[1] * (count > 9 ? 0.55 : 1);
  const double several = amounts[2] * (count < 3 || count > 14 ? 0.25 : 1);
  const double many = amounts[3] * (count < 5 ? 0 : count < 9 ? 0.5 : 1.2);
  const double few = count < 5 ? 0.04 : 0;
  const int choice = writer.random.weighted({number_weight(writer, count), some, several, many, few});
  if (choice == 0) return number(count);
  constexpr std::array kWords{"", "some", "several", "many", "few"};
  if (choice == 3 && writer.chance(0.08)) return writer.pick({"massive", "lots of", "a lot of"});
  return choice == 4 && writer.chance(0.5) ? "a few" : kWords[static_cast<size_t>(choice)];
}

Subject rows_of(const Writer& writer, const Fact& fact, const Noun& name) {
  const char* row = writer.chance(0.1) ? "line" : "row";
  if (fact.rows == 1) return {"a " + std::string(row) + " of " + name.many, writer.chance(0.65)};
  const std::string amount = fact.rows < 5 && writer.chance(0.7) ? number(fact.rows) + " " : "";
  const std::string loose =
      writer.chance(0.3) ? (fact.rows > 2 && writer.chance(0.4) ? "several " : "some ") : "";
  return {(amount.empty() ? loose : amount) + row + "s of " + name.many, true};
}

std::string with_article(const std::string& name) {
  return (name.starts_with("arc ") ? "an " : "a ") + name;
}

Subject single(const Writer& writer, const Fact& fact, const Noun& name) {
  const bool building = is_building(fact);
  const bool built = fact.happening == Happening::kBuilt;
  if (built && building && fact.more && writer.chance(0.05)) return {"another " + name.one, false};
  if (built && writer.chance(writer.voice.fresh))
    return {(fact.thing == Thing::kRoad && writer.chance(0.15) ? "a newly built " : "a new ") + name.one,
            false};
  return {building && writer.chance(0.03) ? "one " + name.one : with_article(name.one), false};
}

/// Two roads that meet, and two that cross, have a name in the singular.
Subject roads_of(const Writer& writer, const Fact& fact) {
  if (fact.form == RoadForm::kTee && writer.chance(0.25)) return {"a t-shaped road", false};
  if (fact.form == RoadForm::kCrossing && writer.chance(0.4))
    return {writer.pick({"a crossroad", "a cross road"}), false};
  if (fact.form == RoadForm::kCrossing && writer.chance(0.4))
    return {writer.pick({"cross roads", "crossing roads"}), true};
  if (fact.form == RoadForm::kTee && writer.chance(0.12)) return {"two vertical roads", true};
  if (fact.form == RoadForm::kParallel && fact.count == 2 && writer.chance(0.2))
    return {"two parallel roads", true};
  if (writer.chance(0.25)) return {"roads", true};
  const std::string fresh = writer.chance(writer.voice.fresh) ? " new" : "";
  return {quantity(writer, fact.count) + fresh + " roads", true};
}

std::string passive(const Writer& writer, bool plural, const std::string& participle) {
  if (writer.chance(writer.voice.perfect)) return (plural ? "have been " : "has been ") + participle;
  return (plural ? "are " : "is ") + participle;
}

/// Only buildings are erected.
std::string built_verb(const Writer& writer, const Fact& fact, bool plural) {
  const auto& verbs = writer.voice.verbs;
  switch (writer.random.weighted({verbs[0], verbs[1], verbs[2], is_building(fact) ? verbs[3] : 0})) {
    case 0:
      if (writer.chance(0.04)) return plural ? "have appeared" : "has appeared";
      return plural ? "appear" : "appears";
    case 1:
      return plural ? "show up" : "shows up";
    case 2:
      return passive(writer, plural, writer.chance(writer.voice.constructed) ? "constructed" : "built");
    default:
      return passive(writer, plural, "erected");
  }
}

std::string removed_verb(const Writer& writer, const Fact& fact, bool plural) {
  if (writer.chance(0.4)) {
    if (writer.chance(0.15)) return plural ? "have disappeared" : "has disappeared";
    return plural ? "disappear" : "disappears";
  }
  if (!is_building(fact)) return passive(writer, plural, "removed");
  return passive(writer, plural, writer.pick({"removed", "removed", "removed", "demolished"}));
}

std::string trees_verb(const Writer& writer, const Fact& fact, bool plural) {
  if (fact.happening == Happening::kBuilt) {
    if (writer.chance(0.4)) return plural ? "appear" : "appears";
    return passive(writer, plural, writer.pick({"planted", "planted", "added"}));
  }
  if (fact.share < 0.75 && !plural && writer.chance(0.45)) return writer.pick({"decreases", "has decreased"});
  if (writer.chance(0.35)) {
    if (writer.chance(0.12)) return plural ? "have disappeared" : "has disappeared";
    return plural ? "disappear" : "disappears";
  }
  return passive(writer, plural, plural && writer.chance(0.12) ? "cut down" : "removed");
}

/// Returns a name of a wood of which little is left.
Subject whole_wood(const Writer& writer, const Fact& fact) {
  constexpr double kAll = 0.97;
  switch (writer.random.weighted({0.3, 0.16, 0.16, 0.1, 0.12, 0.12, fact.share > kAll ? 0.08 : 0})) {
    case 0:
      return {"trees", true};
    case 1:
      return {"the forest", false};
    case 2:
      return {"the woods", true};
    case 3:
      return {"the trees", true};
    case 4:
      return {"the vegetation", false};
    case 5:
      return {writer.pick({"many trees", "many trees", "plants"}), true};
    default:
      return {"all trees", true};
  }
}

}  // namespace

Subject subject_of(const Writer& writer, const Fact& fact) {
  if (fact.thing == Thing::kTrees) return trees_of(writer, fact);
  if (fact.happening == Happening::kWidened) return {"the road", false};
  if (fact.thing == Thing::kRoad && fact.count > 1) return roads_of(writer, fact);
  const Noun name = noun_of(writer, fact);
  if (fact.count == 1) return single(writer, fact, name);
  if (fact.rows > 0 && writer.chance(writer.voice.rows)) return rows_of(writer, fact, name);
  const bool built = fact.happening == Happening::kBuilt;
  if (built && fact.more && writer.chance(0.06)) return {"more " + name.many, true};
  const std::string fresh = built && writer.chance(writer.voice.fresh) ? " new " : " ";
  const std::string tidy = fact.rows > 1 && writer.chance(0.06) ? "neatly arranged " : "";
  return {quantity(writer, fact.count) + fresh + tidy + name.many, true};
}

Subject bare_subject_of(const Writer& writer, const Fact& fact) {
  if (fact.count == 1 || fact.thing == Thing::kTrees || writer.chance(0.5)) return subject_of(writer, fact);
  return {noun_of(writer, fact).many, true};
}

Subject trees_of(const Writer& writer, const Fact& fact) {
  constexpr int kMany = 12;
  const bool many = fact.count >= kMany;
  if (fact.happening == Happening::kBuilt) {
    const Words words{"some trees", "some trees", many ? "many trees" : "trees", "trees", "some plants"};
    return {writer.pick(words), true};
  }
  constexpr double kForest = 0.12;  // crowns as a share of the scene
  if (fact.share > 0.75 && fact.area > kForest) return whole_wood(writer, fact);
  if (fact.share > 0.5 && writer.chance(0.1))
    return {writer.pick({"most trees", "most of the trees", "most plants"}), true};
  if (writer.chance(0.12)) return {"some vegetation", false};
  if (writer.chance(0.12))
    return {writer.pick({"some plants", many ? "many plants" : "some plants", "plants"}), true};
  return {writer.pick(fact.count > 40
                          ? Words{"many trees", "many trees", "some trees", "trees"}
                          : Words{"some trees", "some trees", many ? "many trees" : "trees", "trees"}),
          true};
}

std::string verb_of(const Writer& writer, const Fact& fact, bool plural) {
  if (fact.thing == Thing::kTrees) return trees_verb(writer, fact, plural);
  switch (fact.happening) {
    case Happening::kBuilt:
      return built_verb(writer, fact, plural);
    case Happening::kRemoved:
      return removed_verb(writer, fact, plural);
    default:
      if (writer.chance(0.3)) return "becomes wider";
      return passive(writer, plural, writer.chance(0.3) ? "rebuilt" : "widened");
  }
}

}  // namespace ccexpert::synth
