// The captioner on arrays.
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <ccexpert/captioner.h>
#include <ccexpert/image/decode.h>

#include "captioner/arrays.h"
#include "captioner/options.h"
#include "captioner/parts.h"
#include "eval/shared/caption_scorer.h"
#include "interruptible.h"
#include "python_calls.h"

namespace nb = nanobind;

namespace ccexpert::python {
namespace {

/// Request of a call, as the package gives it.
struct Request {
  nb::dict generation;
  std::string question;
  bool locate = false, words = false, check_swap = false;
  double keep_tokens = 1.0;
};

const char* word_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kEndToken:
      return "end";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      break;
  }
  return "cancelled";
}

/// Adds a map with what tells its place in the image.
void add_map(nb::dict& made, const image::ChangeMap& map) {
  made["map"] = array_of(map);
  made["covered"] = map.covered;
  made["padded"] = map.padded;
}

nb::dict dict_of(const LocatedChange& change) {
  nb::dict made;
  made["score"] = change.score;
  made["raw"] = change.raw;
  add_map(made, change.map);
  return made;
}

nb::dict dict_of(const WordMap& word) {
  nb::dict made;
  made["word"] = word.word;
  add_map(made, word.map);
  return made;
}

nb::dict dict_of(const Caption& caption);

template <class Item>
nb::list dicts_of(const std::vector<Item>& items) {
  nb::list made;
  for (const auto& each : items) made.append(dict_of(each));
  return made;
}

nb::dict dict_of(const Caption& caption) {
  nb::dict made;
  made["text"] = caption.text;
  made["token_ids"] = caption.token_ids;
  made["logprob"] = caption.logprob;
  made["finish"] = word_of(caption.finish);
  if (caption.change) made["change"] = dict_of(*caption.change);
  if (caption.unsure) made["unsure"] = *caption.unsure;
  made["words"] = dicts_of(caption.words);
  return made;
}

/// Returns the utility of minimum-Bayes-risk decoding, as ccexpert-caption's; nothing if it is off.
CaptionUtility utility_of(const generate::GenerationOptions& generation) {
  if (generation.mbr == 0) return {};
  const auto scorer =
      std::make_shared<eval::CaptionScorer>(eval::CaptionScorerOptions{.metric = generation.mbr_metric});
  return [scorer](const std::string& caption, const std::string& other) {
    return scorer->score(caption, {other});
  };
}

CaptionOptions options_of(const Request& request) {
  CaptionOptions options{.question = request.question,
                         .keep_tokens = request.keep_tokens,
                         .locate = request.locate,
                         .words = request.words,
                         .check_swap = request.check_swap};
  set_fields(request.generation, options.generation);
  options.utility = utility_of(options.generation);
  return options;
}

std::vector<ImagePair> pairs_of(const std::vector<Pixels>& before, const std::vector<Pixels>& after) {
  std::vector<ImagePair> pairs;
  for (size_t i = 0; i < before.size(); ++i)
    pairs.push_back({.before = view_of(before[i]), .after = view_of(after.at(i))});
  return pairs;
}

Captioner load(const std::filesystem::path& folder, const std::string& device, const std::string& dtype,
               int threads, const std::filesystem::path& adapter, int64_t feature_cache) {
  const CaptionerConfig config{.device = device,
                               .dtype = value_of<Precision>("dtype", nb::str(dtype.c_str())),
                               .threads = threads,
                               .adapter = adapter,
                               .feature_cache = feature_cache};
  std::optional<Captioner> loaded;
  run_interruptible([&](const std::stop_token&) { loaded = Captioner::load(folder, config); });
  return std::move(loaded.value());
}

nb::list caption(const Captioner& captioner, const std::vector<Pixels>& before,
                 const std::vector<Pixels>& after, nb::dict generation, std::string question, bool locate,
                 bool words, bool check_swap, double keep_tokens, std::optional<nb::callable> on_token) {
  auto options =
      options_of({std::move(generation), std::move(question), locate, words, check_swap, keep_tokens});
  PythonCall token_call(std::move(on_token));
  if (token_call) {
    options.on_token = [&](const TokenEvent& event) {
      return token_call([&] {
        return nb::make_tuple(event.pair, event.token_id, event.logprob,
                              nb::str(event.text.data(), event.text.size()));
      });
    };
  }
  const auto pairs = pairs_of(before, after);
  std::vector<Caption> captions;
  run_interruptible([&](const std::stop_token& stop) {
    options.stop = stop;
    captions = captioner.caption(pairs, options);
  });
  token_call.rethrow();
  return dicts_of(captions);
}

nb::list locate(const Captioner& captioner, const std::vector<Pixels>& before,
                const std::vector<Pixels>& after) {
  const auto pairs = pairs_of(before, after);
  std::vector<LocatedChange> changes;
  run_interruptible([&](const std::stop_token& stop) { changes = captioner.locate(pairs, stop); });
  return dicts_of(changes);
}

nb::dict timings(const Captioner& captioner) {
  const auto measured = captioner.timings();
  nb::dict made;
  for_each_field<CaptionerTimings>([&](const auto& each) { made[each.name] = measured.*each.member; });
  return made;
}

ImageArray decode(const std::filesystem::path& file) {
  image::Image image;
  {
    const nb::gil_scoped_release others;
    image = image::decode_image(file);
  }
  return array_of(std::move(image));
}

}  // namespace

void add_captioner(nb::module_& module) {
  module.def("load", &load, nb::arg("folder"), nb::arg("device"), nb::arg("dtype"), nb::arg("threads"),
             nb::arg("adapter"), nb::arg("feature_cache"));
  module.def("decode", &decode, nb::arg("file"));
  nb::class_<Captioner>(module, "Captioner")
      .def("caption", &caption, nb::arg("before"), nb::arg("after"), nb::arg("generation"),
           nb::arg("question"), nb::arg("locate"), nb::arg("words"), nb::arg("check_swap"),
           nb::arg("keep_tokens"), nb::arg("on_token").none())
      .def("locate", &locate, nb::arg("before"), nb::arg("after"))
      .def("timings", &timings)
      .def_prop_ro("question", &Captioner::question)
      .def_prop_ro("has_diff_expert", &Captioner::has_diff_expert)
      .def_prop_ro("calibrated", &Captioner::calibrated)
      .def_prop_ro("change_threshold", &Captioner::change_threshold)
      .def_prop_ro("description", &Captioner::description)
      .def_prop_ro("engine", &Captioner::engine);
}

}  // namespace ccexpert::python
