#include "datasets/sources/mask_captions.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/counter_random.h"

namespace ccexpert::datasets {
namespace {

using Words = std::vector<std::string>;

/// Sequential draws from one pair's random numbers.
class Draw {
 public:
  explicit Draw(const MaskCaptionOptions& options)
      : random_(RandomUse::kWording, options.seed, options.key) {}

  template <class Items>
  const auto& pick(const Items& items) {
    return items[static_cast<size_t>(below(static_cast<int64_t>(items.size())))];
  }
  int64_t below(int64_t bound) { return random_.below(bound, next_++); }

 private:
  CounterRandom random_;
  uint64_t next_ = 0;
};

const Words& unchanged_sentences() {
  // The five sentences of LEVIR-CC.
  static const Words sentences{"there is no difference.", "the two scenes seem identical.",
                               "the scene is the same as before.", "no change has occurred.",
                               "almost nothing has changed."};
  return sentences;
}

std::string subject(Draw& draw, const MaskFact& fact, const KindWords& words) {
  constexpr std::array<const char*, 11> kNumbers{"",    "",      "two",   "three", "four", "five",
                                                 "six", "seven", "eight", "nine",  "ten"};
  if (fact.count == 1) return words.one;
  const bool exact = fact.count <= 10 && draw.below(3) > 0;
  if (exact) return fmt::format("{} {}", kNumbers[static_cast<size_t>(fact.count)], words.many);
  const Words few{"several", "some"}, many{"many", "a lot of"};
  return fmt::format("{} {}", draw.pick(fact.count <= 6 ? few : many), words.many);
}

std::string place(Draw& draw, Area area) {
  static const std::array<Words, 11> places{
      {{"in the top left corner", "in the upper left part of the scene"},
       {"at the top of the scene", "in the upper part of the scene"},
       {"in the top right corner", "in the upper right part of the scene"},
       {"on the left side of the scene", "on the left"},
       {"in the middle of the scene", "in the center of the scene"},
       {"on the right side of the scene", "on the right"},
       {"in the bottom left corner", "in the lower left part of the scene"},
       {"at the bottom of the scene", "in the lower part of the scene"},
       {"in the bottom right corner", "in the lower right part of the scene"},
       {"in several parts of the scene", "in different places"},
       {"across the scene", "over much of the scene"}}};
  return draw.pick(places[static_cast<size_t>(area)]);
}

/// Returns a phrase such as "about a tenth of the scene".
std::string extent(double share) {
  struct Step {
    double from;
    const char* text;
  };
  constexpr std::array<Step, 7> kSteps{{{0.6, "most of the scene"},
                                        {0.4, "about half of the scene"},
                                        {0.28, "about a third of the scene"},
                                        {0.18, "about a fifth of the scene"},
                                        {0.07, "about a tenth of the scene"},
                                        {0.02, "a small part of the scene"},
                                        {0.0, "a very small part of the scene"}}};
  const auto found =
      std::find_if(kSteps.begin(), kSteps.end(), [&](const Step& step) { return share >= step.from; });
  return found->text;
}

std::string size_word(double share) {
  if (share >= 0.2) return "large ";
  return share < 0.02 ? "small " : "";
}

/// Facts and their words.
struct Told {
  const std::vector<MaskFact>& facts;
  const std::vector<KindWords>& words;

  const KindWords& words_of(const MaskFact& fact) const {
    return words.at(static_cast<size_t>(fact.kind - 1));
  }
};

std::string clause(Draw& draw, const MaskFact& fact, const Told& told) {
  const auto& words = told.words_of(fact);
  const auto& verb = draw.pick(words.verbs);
  return fmt::format("{} {}", subject(draw, fact, words), fact.count == 1 ? verb.one : verb.many);
}

std::string plain(Draw& draw, const Told& told) {
  const auto& fact = told.facts.front();
  const auto text = clause(draw, fact, told);
  return fmt::format("{} {}", text, place(draw, fact.area));
}

std::string place_first(Draw& draw, const Told& told) {
  const auto& fact = told.facts.front();
  const auto where = place(draw, fact.area);
  return fmt::format("{}, {}", where, clause(draw, fact, told));
}

std::string with_extent(Draw& draw, const Told& told) {
  const auto& fact = told.facts.front();
  const auto text = clause(draw, fact, told);
  return fmt::format("{} {}, over {}", text, place(draw, fact.area), extent(fact.share));
}

std::string as_comparison(Draw& draw, const Told& told) {
  const Words starts{"compared with before", "in the second image", "since the first image"};
  const auto start = draw.pick(starts);
  return fmt::format("{}, {}", start, plain(draw, told));
}

std::string as_summary(Draw& draw, const Told& told) {
  const auto& fact = told.facts.front();
  const auto where = place(draw, fact.area);
  return fmt::format("there is a {}change {}: {}", size_word(fact.share), where, clause(draw, fact, told));
}

/// Describes the first two facts, or the only one.
std::string both(Draw& draw, const Told& told) {
  if (told.facts.size() < 2) return plain(draw, told);
  const auto first = plain(draw, told);
  const auto second = clause(draw, told.facts[1], told);
  if (told.facts[1].area == told.facts[0].area) return fmt::format("{}, and {}", first, second);
  return fmt::format("{}, and {} {}", first, second, place(draw, told.facts[1].area));
}

/// Converts "a building" to "building", because a number replaces the article.
std::string without_article(const std::string& words) {
  for (const std::string_view article : {"a ", "an "}) {
    if (words.starts_with(article)) return words.substr(article.size());
  }
  return words;
}

std::string sentence(Draw& draw, const Told& told, size_t number) {
  using Form = std::string (*)(Draw&, const Told&);
  constexpr std::array<Form, 6> kForms{both, with_extent, place_first, as_comparison, as_summary, plain};
  return kForms[number % kForms.size()](draw, told) + ".";
}

}  // namespace

std::vector<std::string> mask_captions(const std::vector<MaskFact>& facts,
                                       const std::vector<KindWords>& words,
                                       const MaskCaptionOptions& options) {
  Draw draw(options);
  std::vector<std::string> captions;
  const auto& unchanged = unchanged_sentences();
  const auto first = static_cast<size_t>(draw.below(static_cast<int64_t>(unchanged.size())));
  // At most ten extra tries, because few facts have few wordings.
  for (size_t i = 0; captions.size() < options.count && i < options.count + 10; ++i) {
    const auto text =
        facts.empty() ? unchanged[(first + i) % unchanged.size()] : sentence(draw, {facts, words}, i);
    if (std::find(captions.begin(), captions.end(), text) == captions.end()) captions.push_back(text);
  }
  return captions;
}

std::vector<std::string> fact_texts(const std::vector<MaskFact>& facts, const std::vector<KindWords>& words) {
  constexpr std::array<const char*, 11> kAreas{"top left",     "top",    "top right",   "left",
                                               "middle",       "right",  "bottom left", "bottom",
                                               "bottom right", "spread", "across"};
  std::vector<std::string> texts;
  for (const auto& fact : facts) {
    const auto& kind = words.at(static_cast<size_t>(fact.kind - 1));
    texts.push_back(fmt::format("{} {} {}, {}, {:.1f} % of the image", fact.count,
                                fact.count == 1 ? without_article(kind.one) : kind.many,
                                fact.count == 1 ? kind.verbs.front().one : kind.verbs.front().many,
                                kAreas[static_cast<size_t>(fact.area)], 100 * fact.share));
  }
  return texts;
}

}  // namespace ccexpert::datasets
