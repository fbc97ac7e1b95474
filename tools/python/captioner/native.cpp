// Module ccexpert._native: the captioner on arrays. The package has the interface for users.
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
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

#include "captioner/options.h"
#include "errors.h"

namespace nb = nanobind;

namespace ccexpert::python {
namespace {

/// Pixels of Python: height, width, red green blue. Rows may be apart.
using Pixels = nb::ndarray<const uint8_t, nb::shape<-1, -1, 3>, nb::device::cpu>;
using FloatMap = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

/// Returns a view; the pixels of a row must be neighbours, which the package ensures.
image::ImageView view_of(const Pixels& pixels) {
  return {pixels.data(), static_cast<int64_t>(pixels.shape(0)), static_cast<int64_t>(pixels.shape(1)),
          pixels.stride(0)};
}

/// Returns an array that owns its values.
template <class Value, size_t kDimensions>
auto array_of(std::vector<Value> values, const std::array<size_t, kDimensions>& shape) {
  auto* owned = new std::vector<Value>(std::move(values));
  const nb::capsule owner(owned,
                          [](void* memory) noexcept { delete static_cast<std::vector<Value>*>(memory); });
  return nb::ndarray<nb::numpy, Value, nb::ndim<kDimensions>>(owned->data(), kDimensions, shape.data(),
                                                              owner);
}

FloatMap array_of(const ChangeMap& map) {
  const auto side = static_cast<size_t>(map.grid);
  return array_of(map.values, std::array{side, side});
}

/// Request of a call, as the package gives it.
struct Request {
  nb::dict generation;
  std::string question;
  bool locate = false, words = false, check_swap = false;
  double keep_tokens = 1.0;
  std::optional<nb::callable> on_token;
};

/// Keeps an exception of Python that occurs while the captioner works on this thread.
class Interrupts {
 public:
  /// Handles Ctrl-C and calls `on_token(pair, id, logprob, text)`; false ends the captions.
  bool token(const TokenEvent& event, const std::optional<nb::callable>& on_token) {
    const nb::gil_scoped_acquire python;
    try {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      if (!on_token) return true;
      const auto answer = (*on_token)(event.pair, event.token_id, event.logprob,
                                      nb::str(event.text.data(), event.text.size()));
      return answer.is_none() || nb::cast<bool>(nb::bool_(answer));
    } catch (nb::python_error& error) {
      thrown_ = std::make_unique<nb::python_error>(error);
      return false;
    }
  }

  void rethrow() const {
    // A copy of the exception shares Python's objects with the one kept.
    if (thrown_) throw *thrown_;  // NOLINT(bugprone-exception-copy-constructor-throws)
  }

 private:
  std::unique_ptr<nb::python_error> thrown_;
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

nb::dict dict_of(const LocatedChange& change) {
  nb::dict made;
  made["score"] = change.score;
  made["raw"] = change.raw;
  made["map"] = array_of(change.map);
  return made;
}

nb::dict dict_of(Caption& caption) {
  nb::dict made;
  made["text"] = caption.text;
  made["token_ids"] = caption.token_ids;
  made["logprob"] = caption.logprob;
  made["finish"] = word_of(caption.finish);
  if (caption.change) made["change"] = dict_of(*caption.change);
  if (caption.unsure) made["unsure"] = *caption.unsure;
  nb::list words;
  for (const auto& word : caption.words) words.append(nb::make_tuple(word.word, array_of(word.map)));
  made["words"] = words;
  return made;
}

CaptionOptions options_of(const Captioner& captioner, const Request& request, Interrupts& interrupts) {
  CaptionOptions options{.question = request.question,
                         .keep_tokens = request.keep_tokens,
                         .locate = request.locate,
                         .words = request.words,
                         .check_swap = request.check_swap};
  set_fields(options.generation, request.generation);
  // Beam search and minimum-Bayes-risk decoding have no tokens to report.
  const auto decoding = captioner.decoding(options.generation);
  const bool reports = decoding.beams == 1 && decoding.mbr == 0;
  if (request.on_token || reports) {
    options.on_token = [&](const TokenEvent& event) { return interrupts.token(event, request.on_token); };
  }
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
  const nb::gil_scoped_release others;
  return Captioner::load(folder, config);
}

nb::list caption(const Captioner& captioner, const std::vector<Pixels>& before,
                 const std::vector<Pixels>& after, nb::dict generation, std::string question, bool locate,
                 bool words, bool check_swap, double keep_tokens, std::optional<nb::callable> on_token) {
  const Request request{std::move(generation), std::move(question), locate, words, check_swap,
                        keep_tokens,           std::move(on_token)};
  Interrupts interrupts;
  const auto options = options_of(captioner, request, interrupts);
  const auto pairs = pairs_of(before, after);
  std::vector<Caption> captions;
  {
    const nb::gil_scoped_release others;
    captions = captioner.caption(pairs, options);
  }
  interrupts.rethrow();
  nb::list made;
  for (auto& each : captions) made.append(dict_of(each));
  return made;
}

nb::list locate(const Captioner& captioner, const std::vector<Pixels>& before,
                const std::vector<Pixels>& after) {
  const auto pairs = pairs_of(before, after);
  std::vector<LocatedChange> changes;
  {
    const nb::gil_scoped_release others;
    changes = captioner.locate(pairs);
  }
  nb::list made;
  for (const auto& each : changes) made.append(dict_of(each));
  return made;
}

nb::dict timings(const Captioner& captioner) {
  const auto measured = captioner.timings();
  nb::dict made;
  for_each_field<CaptionerTimings>([&](const auto& each) { made[each.name] = measured.*each.member; });
  return made;
}

nb::ndarray<nb::numpy, uint8_t, nb::ndim<3>> decode(const std::filesystem::path& file) {
  image::Image image;
  {
    const nb::gil_scoped_release others;
    image = image::decode_image(file);
  }
  return array_of(std::move(image.pixels),
                  std::array{static_cast<size_t>(image.height), static_cast<size_t>(image.width), size_t{3}});
}

}  // namespace
}  // namespace ccexpert::python

NB_MODULE(_native, module) {
  using namespace ccexpert;          // NOLINT(google-build-using-namespace)
  using namespace ccexpert::python;  // NOLINT(google-build-using-namespace)
  translate_errors(nb::module_::import_("ccexpert._error").attr("Error"));
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
