#include "synth/captions.h"

#include <algorithm>

#include "synth/phrases.h"

namespace ccexpert::synth {
namespace {

/// Facts below this share of the scene are omitted: 0.3 %, about 14 x 14 pixels of 256 x 256.
constexpr double kWorthNaming = 0.003;

std::string clause(Random& random, const Fact& fact, bool with_place) {
  const auto subject = subject_of(random, fact);
  return subject.text + " " + verb_of(random, fact, subject.plural) +
         (with_place ? place_of(random, fact) : "");
}

/// Returns a second fact that may be named with the first.
const Fact* companion(Random& random, const std::vector<Fact>& facts, bool same_kind) {
  std::vector<const Fact*> candidates;
  for (size_t i = 1; i < facts.size(); ++i) {
    const bool fits =
        !same_kind || (facts[i].happening == facts.front().happening && facts[i].thing != Thing::kTrees);
    if (fits && facts[i].area > kWorthNaming) candidates.push_back(&facts[i]);
  }
  return candidates.empty() ? nullptr : random.pick(candidates);
}

bool takes_ground(const Fact& fact) {
  return fact.happening == Happening::kBuilt && fact.thing != Thing::kTrees && fact.cover != Cover::kMixed &&
         fact.area > 0.01;
}

std::string plain(Random& random, const std::vector<Fact>& facts) {
  return clause(random, facts.front(), true);
}

/// "in the top left corner a house is built"
std::string place_first(Random& random, const std::vector<Fact>& facts) {
  const Fact& fact = facts.front();
  if (fact.region == Region::kNowhere) return plain(random, facts);
  return region_text(random, fact.region).substr(1) + " " + clause(random, fact, false);
}

/// "the bareland has been replaced by houses"
std::string replacement(Random& random, const std::vector<Fact>& facts) {
  const Fact& fact = facts.front();
  if (!takes_ground(fact)) return plain(random, facts);
  const auto subject = subject_of(random, fact);
  const auto ground = cover_of(random, fact.cover);
  switch (random.below(4)) {
    case 0:
      return subject.text + (subject.plural ? " replace " : " replaces ") + ground.text +
             region_text(random, fact.region);
    case 1:
      return subject.text + (subject.plural ? " have" : " has") + " replaced " + ground.text;
    case 2:
      return ground.text + (ground.plural ? " have been" : " has been") + " replaced by " + subject.text;
    default:
      return ground.text + (ground.plural ? " are" : " is") + " replaced by " + subject.text +
             region_text(random, fact.region);
  }
}

/// "many trees are removed and two houses are built along the road"
std::string with_clearing(Random& random, const std::vector<Fact>& facts) {
  const auto trees = std::find_if(facts.begin() + 1, facts.end(), [](const Fact& fact) {
    return fact.thing == Thing::kTrees && fact.happening == Happening::kRemoved;
  });
  if (trees == facts.end()) return plain(random, facts);
  return clause(random, *trees, false) + " and " + clause(random, facts.front(), true);
}

/// "two houses and a road are built"
std::string together(Random& random, const std::vector<Fact>& facts) {
  const Fact* other = companion(random, facts, true);
  if (other == nullptr) return plain(random, facts);
  const auto first = subject_of(random, facts.front());
  const auto second = subject_of(random, *other);
  const bool same_place = other->region == facts.front().region;
  return first.text + " and " + second.text + " " + verb_of(random, facts.front(), true) +
         (same_place && random.chance(0.6) ? region_text(random, other->region) : "");
}

/// "a house is built beside the road and a pool appears"
std::string and_also(Random& random, const std::vector<Fact>& facts) {
  const Fact* other = companion(random, facts, false);
  if (other == nullptr) return plain(random, facts);
  return clause(random, facts.front(), true) + " and " + clause(random, *other, random.chance(0.3));
}

/// "a road with many houses on both sides is built"
std::string road_with_houses(Random& random, const std::vector<Fact>& facts) {
  const Fact& fact = facts.front();
  const bool holds =
      fact.thing == Thing::kHouse && fact.happening == Happening::kBuilt && fact.along_road && fact.new_road;
  if (!holds || fact.count < 3) return together(random, facts);
  const auto houses = subject_of(random, fact);
  if (fact.both_sides && random.chance(0.5)) return "a road with " + houses.text + " on both sides is built";
  const char* road = random.chance(0.5) ? "a road" : "a new road";
  return std::string(road) + " with " + houses.text + " built along it appears" +
         region_text(random, fact.region);
}

/// "two houses are replaced by a parking lot"
std::string in_place_of_houses(Random& random, const std::vector<Fact>& facts) {
  const auto houses = std::find_if(facts.begin(), facts.end(), [](const Fact& fact) {
    return fact.thing == Thing::kHouse && fact.happening == Happening::kRemoved;
  });
  const auto place =
      std::find_if(facts.begin(), facts.end(), [](const Fact& fact) { return fact.in_place_of_houses; });
  if (houses == facts.end() || place == facts.end()) return plain(random, facts);
  const auto old = subject_of(random, *houses);
  return old.text + (old.plural ? " are" : " is") + " replaced by " + subject_of(random, *place).text +
         region_text(random, place->region);
}

std::string sentence(Random& random, const std::vector<Fact>& facts) {
  using Form = std::string (*)(Random&, const std::vector<Fact>&);
  constexpr std::array<Form, 8> kForms{plain,    place_first, replacement,      with_clearing,
                                       together, and_also,    road_with_houses, in_place_of_houses};
  const auto form = static_cast<size_t>(random.weighted({0.4, 0.04, 0.15, 0.12, 0.13, 0.1, 0.08, 0.15}));
  return kForms[form](random, facts) + " .";
}

}  // namespace

std::vector<std::string> captions_of(Random& random, const std::vector<Fact>& facts) {
  constexpr size_t kReferences = 5;
  std::vector<std::string> captions;
  while (captions.size() < kReferences) {
    const auto text = sentence(random, facts);
    if (std::find(captions.begin(), captions.end(), text) == captions.end()) captions.push_back(text);
  }
  return captions;
}

const std::vector<std::string>& caption_words() {
  static const std::vector<std::string> words{
      "a",          "along",       "and",         "appear", "appears",  "are",      "at",        "bareland",
      "becomes",    "been",        "beside",      "both",   "bottom",   "building", "buildings", "built",
      "by",         "center",      "constructed", "corner", "court",    "courts",   "cut",       "demolished",
      "desert",     "disappear",   "disappears",  "down",   "farmland", "field",    "fields",    "forest",
      "four",       "grass",       "grassland",   "grown",  "has",      "have",     "house",     "houses",
      "in",         "is",          "it",          "lake",   "lakes",    "land",     "large",     "lawn",
      "left",       "lots",        "lot",         "lower",  "many",     "meadow",   "middle",    "more",
      "near",       "new",         "next",        "of",     "on",       "parking",  "part",      "planted",
      "playground", "playgrounds", "pond",        "ponds",  "pool",     "pools",    "removed",   "replace",
      "replaced",   "replaces",    "right",       "road",   "roads",    "row",      "scene",     "several",
      "side",       "sides",       "some",        "sports", "swimming", "the",      "three",     "to",
      "top",        "torn",        "trees",       "two",    "upper",    "villa",    "villas",    "wasteland",
      "widened",    "wider",       "with",        "woods",  "."};
  return words;
}

}  // namespace ccexpert::synth
