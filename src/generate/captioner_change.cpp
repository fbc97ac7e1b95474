// Change of pairs, the maps of words, and the check of swapped pairs.
#include <algorithm>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "generate/captioner_impl.h"
#include "generate/keep_tokens.h"
#include "generate/swap_check.h"
#include "generate/word_attention.h"

namespace ccexpert::generate {
namespace {

std::vector<float> values_of(const at::Tensor& map) {
  const auto values = map.contiguous();
  const auto* data = values.const_data_ptr<float>();
  return {data, data + values.numel()};
}

ChangeFeature to_change_feature(const at::Tensor& change, int64_t grid) {
  const auto values = change.to(at::kCPU, at::kFloat).contiguous();
  const auto* data = values.const_data_ptr<float>();
  return {grid, values.size(1), std::vector<float>(data, data + values.numel())};
}

std::vector<ImagePair> in_other_order(std::span<const ImagePair> pairs, bool same) {
  std::vector<ImagePair> ordered;
  for (const auto& pair : pairs)
    ordered.push_back({same ? pair.before : pair.after, pair.before, pair.question});
  return ordered;
}

bool is_whole(const Caption& caption) {
  return caption.finish != FinishReason::kCancelled;
}

}  // namespace

ChangeMap Captioner::Impl::empty_map() const {
  const auto& vision = model_config().vision;
  return {.grid = vision.grid(),
          .values = {},
          .covered =
              static_cast<double>(vision.grid() * vision.patch_size) / static_cast<double>(vision.image_size),
          .padded = loaded_.preprocess.aspect == image::AspectMode::kPad};
}

std::vector<LocatedChange> Captioner::Impl::locate(const EncodedPairs& pairs) const {
  const c10::InferenceMode inference;
  std::vector<LocatedChange> changes;
  for (const auto& values : change_maps(pairs).unbind(0)) {
    LocatedChange change{.map = empty_map(), .raw = change_strength(values)};
    change.score = calibration_ ? calibration_->probability(change.raw) : change.raw;
    change.map.values = values_of(values);
    changes.push_back(std::move(change));
  }
  return changes;
}

void Captioner::Impl::add_changes(std::vector<Caption>& captions, const EncodedPairs& pairs,
                                  const CaptionOptions& options) const {
  const auto& images = pairs.images;
  if (options.locate) {
    auto changes = locate(pairs);
    for (size_t i = 0; i < captions.size(); ++i) captions[i].change = std::move(changes[i]);
  }
  if (options.change_feature && images.change.defined()) {
    for (size_t i = 0; i < captions.size(); ++i) {
      captions[i].change_feature =
          to_change_feature(images.change[static_cast<int64_t>(i)], model_config().vision.grid());
    }
  }
}

ImagePlaces Captioner::Impl::places_of(const EncodedPairs& pairs, double keep_tokens) const {
  ImagePlaces places{.tokens = pairs.outside + pairs.features.size(1),
                     .outside = pairs.outside,
                     .patches = at::arange(pairs.features.size(1), pairs.features.options().dtype(at::kLong))
                                    .expand({pairs.features.size(0) / 2, -1}),
                     .grid = model_config().vision.grid()};
  if (keep_tokens < 1.0) {
    places.patches = changed_patches(pairs.images.change, keep_tokens);
    places.outside = 0;
    places.tokens = places.patches.size(1);
  }
  if (model_config().image_newline) ++places.tokens;
  return places;
}

void Captioner::Impl::add_words(std::vector<Caption>& captions, const EncodedPairs& pairs,
                                const Question& question, const model::KvCache& prompts) const {
  const auto places = places_of(pairs, question.options.keep_tokens);
  std::vector<std::vector<int64_t>> ids;
  for (const auto& caption : captions) {
    const GeneratedSequence sequence{.ids = caption.token_ids};
    const auto text = text_ids(sequence, question.decoding);
    ids.emplace_back(text.begin(), text.end());
  }
  const auto attention =
      caption_attention(loaded_.model->decoder(), prompts, {question.prompts, ids, places});
  for (size_t i = 0; i < captions.size(); ++i) {
    const auto words = caption_words(*loaded_.tokenizer, ids[i]);
    const auto values =
        word_values(attention[static_cast<int64_t>(i)].narrow(0, 0, std::ssize(ids[i])), words);
    for (size_t word = 0; word < words.size(); ++word) {
      captions[i].words.push_back({words[word].text, empty_map()});
      captions[i].words.back().map.values = values_of(values[static_cast<int64_t>(word)]);
    }
  }
}

std::vector<Caption> Captioner::Impl::checked(std::span<const ImagePair> pairs,
                                              const CaptionOptions& options) const {
  auto asked = options;
  asked.check_swap = false;
  asked.locate = true;
  auto captions = caption(pairs, asked);
  asked.on_token = {};
  asked.words = asked.change_feature = false;
  const auto swapped = caption(in_other_order(pairs, false), asked);
  const auto same = caption(in_other_order(pairs, true), asked);
  for (size_t i = 0; i < captions.size(); ++i) {
    if (is_whole(captions[i]) && is_whole(swapped[i]) && is_whole(same[i]))
      captions[i].unsure = is_unsure({captions[i], swapped[i], same[i]}, calibration_.has_value());
    if (!options.locate) captions[i].change.reset();
  }
  return captions;
}

}  // namespace ccexpert::generate
