// Module ccexpert_metrics._native: scorer and metrics on lists of texts. The package has the interface for
// users.
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <ccexpert/core/limits.h>
#include <ccexpert/core/names.h>
#include <ccexpert/eval/meteor.h>
#include <ccexpert/eval/metrics.h>
#include <ccexpert/eval/scorer.h>

#include "errors.h"
#include "eval/shared/caption_files.h"

namespace nb = nanobind;

namespace ccexpert::python {
namespace {

using eval::CaptionedPair;
using eval::MeteorData;
using Texts = std::vector<std::string>;
using References = std::vector<Texts>;
using Changed = std::vector<std::optional<bool>>;
using Meteor = std::shared_ptr<const MeteorData>;

/// Returns the value of this name, or throws Error with the names that exist.
template <class Choice>
Choice choice_of(const char* what, const std::string& name) {
  if (const auto value = value_named<Choice>(name)) return *value;
  fail_expected({what, in_words(choices_of<Choice>()), name});
}

std::vector<CaptionedPair> pairs_of(Texts predictions, References references, const Changed& changed) {
  std::vector<CaptionedPair> pairs(predictions.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    pairs[i] = {.uid = std::to_string(i),
                .prediction = std::move(predictions[i]),
                .references = std::move(references.at(i)),
                .changed = changed.at(i)};
  }
  return pairs;
}

/// Scorer for several threads.
class LockedScorer {
 public:
  LockedScorer(const std::string& tokenizer, const Meteor& meteor, const std::optional<Texts>& unchanged)
      : scorer_(options_of(tokenizer, meteor, unchanged)) {}

  Texts names() const { return scorer_.names(); }

  eval::ScoreTable score(Texts predictions, References references, const Changed& changed) {
    const auto pairs = pairs_of(std::move(predictions), std::move(references), changed);
    const nb::gil_scoped_release others;
    const std::lock_guard lock(mutex_);
    return scorer_.score(pairs);
  }

  std::vector<std::pair<double, double>> intervals(const eval::ScoreTable& table, int64_t resamples,
                                                   double confidence, uint64_t seed) const {
    const nb::gil_scoped_release others;
    std::vector<std::pair<double, double>> found;
    for (const auto& each : scorer_.intervals(table, {resamples, confidence, seed}))
      found.emplace_back(each.low, each.high);
    return found;
  }

  std::vector<std::tuple<double, double, double, double>> compare(const eval::ScoreTable& one,
                                                                  const eval::ScoreTable& other,
                                                                  int64_t resamples, double confidence,
                                                                  uint64_t seed) const {
    const nb::gil_scoped_release others;
    std::vector<std::tuple<double, double, double, double>> found;
    for (const auto& each : scorer_.compare(one, other, {resamples, confidence, seed}))
      found.emplace_back(each.value, each.interval.low, each.interval.high, each.p);
    return found;
  }

 private:
  static eval::ScorerOptions options_of(const std::string& tokenizer, const Meteor& meteor,
                                        const std::optional<Texts>& unchanged) {
    eval::ScorerOptions options{.tokenizer = choice_of<eval::Tokenizer>("tokenizer", tokenizer),
                                .meteor = meteor};
    if (unchanged) options.unchanged_sentences = *unchanged;
    return options;
  }

  std::mutex mutex_;
  eval::Scorer scorer_;
};

std::unique_ptr<eval::Metric> metric_named(const std::string& name, const Meteor& meteor) {
  if (name == "bleu") return eval::make_bleu();
  if (name == "rouge") return eval::make_rouge_l();
  if (name == "cider") return eval::make_cider_d();
  if (name == "meteor") return eval::make_meteor(meteor);
  fail_expected({"metric", "bleu, rouge, cider or meteor", name});
}

/// Returns a metric's values for all samples together, and for each. Texts are tokenized already.
std::pair<std::vector<double>, std::vector<std::vector<double>>> metric_values(const std::string& name,
                                                                               Texts predictions,
                                                                               References references,
                                                                               const Meteor& meteor) {
  const Changed unknown(predictions.size());
  const auto pairs = pairs_of(std::move(predictions), std::move(references), unknown);
  const nb::gil_scoped_release others;
  const auto metric = metric_named(name, meteor);
  for (const auto& pair : pairs) metric->add(pair);
  std::vector<std::vector<double>> each;
  for (const auto& row : metric->statistics()) each.push_back(metric->from_sums(row));
  return {metric->value(), std::move(each)};
}

/// Returns uids, predictions, references and change flags of two files.
std::tuple<Texts, Texts, References, Changed> read_files(
    const std::filesystem::path& predictions, const std::optional<std::filesystem::path>& references,
    const std::string& split) {
  const nb::gil_scoped_release others;
  const auto entries =
      references ? eval::read_references(*references, split) : std::vector<eval::CaptionEntry>();
  auto set = eval::evaluation_set(eval::read_predictions(predictions), entries,
                                  eval::levir_cc_unchanged_sentences());
  std::tuple<Texts, Texts, References, Changed> read;
  auto& [uids, texts, lists, changed] = read;
  for (auto& sample : set.samples) {
    uids.push_back(std::move(sample.uid));
    texts.push_back(std::move(sample.prediction));
    lists.push_back(std::move(sample.references));
    changed.push_back(sample.changed);
  }
  return read;
}

Meteor open_meteor(const std::optional<std::filesystem::path>& folder) {
  const nb::gil_scoped_release others;
  return MeteorData::open(folder ? *folder : MeteorData::default_folder());
}

std::string tokenized(const std::string& text, const std::string& tokenizer) {
  return eval::tokenize(text, choice_of<eval::Tokenizer>("tokenizer", tokenizer));
}

}  // namespace
}  // namespace ccexpert::python

NB_MODULE(_native, module) {
  using namespace ccexpert;          // NOLINT(google-build-using-namespace)
  using namespace ccexpert::python;  // NOLINT(google-build-using-namespace)
  translate_errors(nb::module_::import_("ccexpert_metrics._error").attr("Error"));
  // The constructor adds the type to the module.
  const nb::class_<MeteorData> meteor_data(module, "MeteorData");
  nb::class_<eval::ScoreTable>(module, "ScoreTable")
      .def_ro("names", &eval::ScoreTable::names)
      .def_ro("corpus", &eval::ScoreTable::corpus)
      .def_ro("pairs", &eval::ScoreTable::pairs);
  nb::class_<LockedScorer>(module, "Scorer")
      .def(nb::init<const std::string&, const Meteor&, const std::optional<Texts>&>(), nb::arg("tokenizer"),
           nb::arg("meteor").none(), nb::arg("unchanged").none())
      .def_prop_ro("names", &LockedScorer::names)
      .def("score", &LockedScorer::score, nb::arg("predictions"), nb::arg("references"), nb::arg("changed"))
      .def("intervals", &LockedScorer::intervals, nb::arg("table"), nb::arg("resamples"),
           nb::arg("confidence"), nb::arg("seed"))
      .def("compare", &LockedScorer::compare, nb::arg("one"), nb::arg("other"), nb::arg("resamples"),
           nb::arg("confidence"), nb::arg("seed"));
  module.def("metric_values", &metric_values, nb::arg("name"), nb::arg("predictions"), nb::arg("references"),
             nb::arg("meteor").none());
  module.def("read_files", &read_files, nb::arg("predictions"), nb::arg("references").none(),
             nb::arg("split"));
  module.def("open_meteor", &open_meteor, nb::arg("folder").none());
  module.def("meteor_folder", &MeteorData::default_folder);
  module.def("tokenize", &tokenized, nb::arg("text"), nb::arg("tokenizer"));
}
