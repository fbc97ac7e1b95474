#include "synth/captions.h"

#include <algorithm>

#include <ccexpert/core/error.h>

#include "synth/sentences.h"

namespace ccexpert::synth {
namespace {

using Write = std::string (*)(const Writer&, const Told&);

struct Form {
  Write write;            ///< returns an empty text if the form does not fit
  double Voice::*weight;  ///< null for the plain ones
};

constexpr std::array<Form, 8> kForms{{{plain_sentence, nullptr},
                                      {special_sentence, nullptr},
                                      {list_sentence, &Voice::lists},
                                      {two_clauses, &Voice::pairs},
                                      {lined_road, &Voice::lined_roads},
                                      {with_clearing, &Voice::clearings},
                                      {replacement, &Voice::replacements},
                                      {residential_area, &Voice::areas}}};

/// People say less often only one thing if there is more to tell, and tell of trees above all if new streets
/// were cut into a wood.
double weight_of(const Form& form, const Writer& writer, const Told& told) {
  if (form.weight == nullptr) return told.road != nullptr ? 0.22 : told.cleared != nullptr ? 0.65 : 1;
  const bool of_trees = form.weight == &Voice::clearings || form.weight == &Voice::replacements;
  // Where all new roads have houses, which is seldom, the form has to come more often.
  if (form.weight == &Voice::lined_roads) return 2.2 * writer.voice.lined_roads;
  const double more = !of_trees || told.cleared == nullptr ? 1 : told.road != nullptr ? 1.7 : 0.6;
  return more * writer.voice.*form.weight;
}

Write any_form(const Writer& writer, const Told& told) {
  double total = 0;
  for (const auto& form : kForms) total += weight_of(form, writer, told);
  double left = writer.random.uniform() * total;
  for (const auto& form : kForms) {
    left -= weight_of(form, writer, told);
    if (left < 0) return form.write;
  }
  return plain_sentence;
}

std::string sentence(const Writer& writer, const Told& told) {
  std::string text;
  while (text.empty()) text = any_form(writer, told)(writer, told);
  return text;
}

/// Returns a sentence by writer `index` that is not among the others.
std::string another(Random& random, size_t index, const Told& told, const std::vector<std::string>& others) {
  // Small facts run out of words: then other writers say them, and name the scene.
  constexpr size_t kAttempts = 1000;
  for (size_t attempt = 0; attempt < kAttempts; ++attempt) {
    const Writer writer{random, voice(index + attempt / 8)};
    auto text = sentence(writer, told);
    const bool names_scene = text.find("scene") != std::string::npos;
    text += attempt > 24 && !names_scene && writer.chance(0.5) ? " in the scene ." : " .";
    if (std::find(others.begin(), others.end(), text) == others.end()) return text;
  }
  fail_expected({"captions of a scene", "five different ones", std::to_string(others.size())});
}

}  // namespace

std::vector<std::string> captions_of(Random& random, const std::vector<Fact>& facts) {
  const Told told = told_of(facts);
  std::vector<std::string> captions;
  while (captions.size() < kVoices) captions.push_back(another(random, captions.size(), told, captions));
  return captions;
}

}  // namespace ccexpert::synth
