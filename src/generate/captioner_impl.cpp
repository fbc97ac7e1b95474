#include "generate/captioner_impl.h"

#include <exception>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/model/weights.h>
#include <ccexpert/text/prompt.h>

#include "generate/drafted_sequences.h"
#include "generate/keep_tokens.h"
#include "generate/leading_model.h"
#include "generate/search.h"
#include "kernels/engine.h"
#include "model/shared/int8_model.h"
#include "runtime/staging.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

void expect_drafts_fit(int64_t draft_tokens, const DecodingConfig& decoding) {
  if (draft_tokens < 0 || draft_tokens > kMostDraftTokens)
    fail_expected({"draft_tokens", fmt::format("0 to {}", kMostDraftTokens), std::to_string(draft_tokens)});
  const bool greedy = decoding.beams == 1 && decoding.mbr == 0 && decoding.temperature == 0.0;
  if (draft_tokens > 0 && !greedy)
    fail_expected({"draft_tokens", "0 without greedy decoding", std::to_string(draft_tokens)});
}

std::vector<Caption> cancelled(size_t pairs) {
  Caption none;
  none.finish = FinishReason::kCancelled;
  return std::vector<Caption>(pairs, none);
}

std::string engine_of(const OpenedModel& opened, model::BlockWeights blocks) {
  if (opened.device.is_cuda()) return "CUDA";
  return blocks == model::BlockWeights::kInt4 ? kernels::int4_engine_name()
                                              : kernels::engine_name(opened.precision);
}

/// Returns the start of prompts in the dtype of an int8 model.
std::optional<PromptStart> start_of(const OpenedModel& opened, const ModelSettings& settings) {
  auto start = prompt_start(opened, settings);
  if (!start) return start;
  for (auto* values : {&start->prefix.keys, &start->prefix.values})
    *values = values->to(model::int8_model_dtype());
  return start;
}

}  // namespace

std::vector<std::string> own_questions(std::span<const ImagePair> pairs) {
  std::vector<std::string> questions;
  for (const auto& pair : pairs) questions.emplace_back(pair.question);
  return questions;
}

std::vector<Caption> guarded(const CaptionOptions& options,
                             const std::function<std::vector<Caption>(const CaptionOptions&)>& caption) {
  std::exception_ptr thrown;
  auto caught = options;
  if (options.on_token) {
    caught.on_token = [&](const TokenEvent& event) {
      try {
        return !thrown && options.on_token(event);
      } catch (...) {
        thrown = std::current_exception();
        return false;
      }
    };
  }
  auto captions = runtime::with_one_error_type(kMemoryHint, [&] { return caption(caught); });
  if (thrown) std::rethrow_exception(thrown);
  return captions;
}

Captioner::Impl::Impl(const OpenedModel& opened, const PartLink* link)
    : stopwatch_(opened.device),
      int8_(opened.precision == Precision::kInt8),
      leads_(link != nullptr),
      blocks_(int8_ ? model::block_weights(*opened.checkpoint.weights) : model::BlockWeights::kInt8),
      engine_(engine_of(opened, blocks_)),
      features_(opened.feature_cache),
      loaded_{read_model_settings(texts_of(opened.checkpoint), opened.config), nullptr},
      calibration_(calibration_beside(opened.score_folder)) {
  warn_of_stop_ids(decoding({}));  // reports invalid decoding settings of the checkpoint at once
  loaded_.model = stopwatch_.time(&CaptionerTimings::load, [&] {
    if (link != nullptr) return build_leading_model(opened, *link);
    // Before the model, so that the float32 weights of a block add nothing to the memory in use.
    if (int8_) start_ = start_of(opened, loaded_);
    const auto& weights = *opened.checkpoint.weights;
    auto model = int8_ ? model::build_int8_model(opened.config, weights, {.tensor = opened.tensor()})
                       : model::build_model(opened.config, weights, {.tensor = opened.tensor()});
    if (opened.apart) model::attach_adapter(*model, *opened.apart);
    return model;
  });
  // With several parts, each pass is announced to the others.
  if (link == nullptr) steps_ = fixed_steps_of(loaded_.model->decoder(), opened.device);
  if (!has_diff_expert()) {
    log::warning("this checkpoint is a base model without Diff Expert: captions are the baseline's");
  }
}

std::vector<Caption> Captioner::Impl::caption(std::span<const ImagePair> pairs,
                                              const CaptionOptions& options) const {
  if (options.check_swap) return checked(pairs, options);
  const auto question = question_of(own_questions(pairs), options);
  if (pairs.empty()) return {};
  const auto images = encode(pairs, options.stop);
  return images ? answer(*images, question, nullptr) : cancelled(pairs.size());
}

Question Captioner::Impl::question_of(const std::vector<std::string>& own,
                                      const CaptionOptions& options) const {
  const auto decoding = this->decoding(options.generation);
  if (options.on_token && decoding.beams > 1) {
    fail_expected({"on_token", "no beam search", fmt::format("{} beams", decoding.beams)});
  }
  if (options.on_token && decoding.mbr > 0)
    fail_expected({"on_token", "no minimum-Bayes-risk decoding", fmt::format("{} samples", decoding.mbr)});
  if (decoding.mbr > 0 && !options.utility)
    fail_expected({"mbr", "a utility in the options", "none", "it compares captions of the samples"});
  expect_drafts_fit(options.draft_tokens, decoding);
  expect_share(options.keep_tokens);
  if (options.words && model_config().qformer)
    fail_expected({"words", "a model whose image tokens belong to patches", "one with a Q-Former"});
  if (options.words && leads_)
    fail_expected(
        {"words", "one process", "several ranks", "each knows the attention of its own heads only"});
  return {decoding, own.empty() ? Prompts() : prompts_of(own, options.question), options};
}

std::optional<EncodedPairs> Captioner::Impl::encode(std::span<const ImagePair> pairs,
                                                    const std::stop_token& stop) const {
  const c10::InferenceMode inference;
  return encode(stopwatch_.time(&CaptionerTimings::preprocess, [&] { return pixels_of(pairs); }), stop);
}

std::optional<EncodedPairs> Captioner::Impl::encode(const at::Tensor& pixels,
                                                    const std::stop_token& stop) const {
  const c10::InferenceMode inference;
  const auto features = stopwatch_.time(&CaptionerTimings::vision, [&] { return features_of(pixels); });
  if (stop.stop_requested()) return {};
  auto images =
      stopwatch_.time(&CaptionerTimings::diff_expert, [&] { return loaded_.model->fuse(features); });
  return EncodedPairs{.images = std::move(images),
                      .features = loaded_.model->patch_features(features.back()),
                      .outside = loaded_.model->vision().class_tokens()};
}

std::vector<Caption> Captioner::Impl::answer(const EncodedPairs& pairs, const Question& question,
                                             KeptPrompts* kept) const {
  const c10::InferenceMode inference;
  auto captions = decode(pairs, question, kept);
  add_changes(captions, pairs, question.options);
  return captions;
}

std::string Captioner::Impl::description() const {
  const auto& config = model_config();
  int64_t parameters = 0;
  for (const auto& parameter : loaded_.model->parameters()) parameters += parameter.numel();
  const auto tensors = loaded_.model->options();
  return fmt::format("{:.1f} M parameters, {} px, {} scales, {} decoder layers, {} on {}{}",
                     static_cast<double>(parameters) * 1e-6, config.vision.image_size,
                     has_diff_expert() ? config.vision_layers.size() : 1, config.decoder.num_hidden_layers,
                     int8_ ? name_of(blocks_) : runtime::dtype_name(tensors.dtype().toScalarType()),
                     tensors.device().str(), start_ ? ", " + start_->description() : "");
}

CaptionerTimings Captioner::Impl::timings() const {
  auto timings = stopwatch_.sums();
  const auto images = features_.counts();
  timings.encoded_images = images.encoded;
  timings.reused_images = images.reused;
  return timings;
}

/// Warns if captions do not end at the end-of-turn token: a fine-tuned model ends its captions with it.
void Captioner::Impl::warn_of_stop_ids(const DecodingConfig& decoding) const {
  const int64_t end_of_turn = loaded_.end_of_turn();
  if (decoding.is_stop(end_of_turn)) return;
  log::warning(fmt::format(
      "captions do not end at token {} ({}), since generation_config.json does not list it in eos_token_id",
      end_of_turn, loaded_.tokenizer->token_bytes(end_of_turn)));
}

/// Returns [2B,3,P,P] in float32 on the CPU, before and after alternating.
at::Tensor Captioner::Impl::pixels_of(std::span<const ImagePair> pairs) const {
  const auto write = [&](int64_t i, std::span<float> slot) {
    const auto& pair = pairs[static_cast<size_t>(i / 2)];
    image::preprocess(i % 2 == 0 ? pair.before : pair.after, loaded_.preprocess, slot);
  };
  return load_pixels(2 * std::ssize(pairs), loaded_.preprocess.size, write);
}

at::Tensor Captioner::Impl::pixels_of(const image::ImageView& before, const image::ImageView& after) const {
  const int64_t side = loaded_.preprocess.size;
  auto pixels = at::empty({2, 3, side, side}, at::kFloat);
  const std::span values(pixels.mutable_data_ptr<float>(), static_cast<size_t>(pixels.numel()));
  return stopwatch_.time(&CaptionerTimings::preprocess, [&] {
    image::preprocess(before, loaded_.preprocess, values.first(values.size() / 2));
    image::preprocess(after, loaded_.preprocess, values.subspan(values.size() / 2));
    return pixels;
  });
}

std::vector<at::Tensor> Captioner::Impl::features_of(const at::Tensor& pixels) const {
  return features_.features(pixels, [&](const at::Tensor& images) {
    const auto& options = loaded_.model->options();
    return loaded_.model->vision_features(runtime::staged(images, options.device()).to(options));
  });
}

Prompts Captioner::Impl::prompts_of(const std::vector<std::string>& own, std::string_view question) const {
  if (question.empty()) question = loaded_.question;
  const auto encode = [&](std::string_view asked) {
    return text::encode_prompt(*loaded_.tokenizer, asked, loaded_.prompt);
  };
  const auto shared = encode(question);
  Prompts prompts;
  for (const auto& asked : own) prompts.push_back(asked.empty() ? shared : encode(asked));
  return prompts;
}

void Captioner::Impl::expect_share(double keep_tokens) const {
  if (!(keep_tokens > 0.0 && keep_tokens <= 1.0))
    fail_expected({"keep_tokens", "above 0 and at most 1", fmt::format("{}", keep_tokens)});
  if (keep_tokens < 1.0 && !has_diff_expert())
    fail_expected({"keep_tokens", "1 for a model without Diff Expert", fmt::format("{}", keep_tokens)});
  if (keep_tokens < 1.0 && loaded_.model->config().qformer)
    fail_expected({"keep_tokens", "1 for a model with a Q-Former, whose tokens belong to no patch",
                   fmt::format("{}", keep_tokens)});
}

SeenTokens Captioner::Impl::tokens_of(const model::ImageTokens& images, double keep_tokens,
                                      KeptPrompts* kept) const {
  if (kept != nullptr && kept->images.tokens.defined() && kept->keep_tokens == keep_tokens)
    return kept->images;
  auto seen = stopwatch_.time(&CaptionerTimings::diff_expert, [&] {
    if (keep_tokens == 1.0) return SeenTokens{loaded_.model->project(images.tokens)};
    const auto patches = changed_patches(images.change, keep_tokens);
    return SeenTokens{loaded_.model->project(at_patches(images.tokens, patches)), patches};
  });
  if (kept != nullptr) *kept = {.images = seen, .keep_tokens = keep_tokens};
  return seen;
}

std::vector<Caption> Captioner::Impl::decode(const EncodedPairs& pairs, const Question& question,
                                             KeptPrompts* kept) const {
  const auto seen = tokens_of(pairs.images, question.options.keep_tokens, kept);
  if (question.options.stop.stop_requested()) return cancelled(question.prompts.size());
  auto sequences = stopwatch_.time(&CaptionerTimings::prefill, [&] { return prefill(seen, question, kept); });
  // The search may select rows of its cache, but never changes the prompts of this copy.
  const auto prompts = question.options.words ? std::optional(sequences.cache()) : std::nullopt;
  std::vector<CaptionStream> streams(question.prompts.size(),
                                     CaptionStream(*loaded_.tokenizer, question.decoding));
  auto request = search_request(question.decoding, question.options, streams);
  request.between = question.between;
  const auto generated = stopwatch_.time(
      &CaptionerTimings::decode, [&] { return generate(sequences, request, question.options.draft_tokens); });
  std::vector<Caption> captions;
  for (const auto& sequence : generated) captions.push_back(to_caption(sequence, question.decoding));
  if (prompts) {
    stopwatch_.time(&CaptionerTimings::decode, [&] {
      add_words(captions, pairs, question, *prompts);
      return true;
    });
  }
  return captions;
}

std::vector<GeneratedSequence> Captioner::Impl::generate(DecoderSequences& prompts,
                                                         const SearchRequest& request,
                                                         int64_t draft_tokens) const {
  if (draft_tokens == 0) return search(prompts, request, steps_.get());
  DraftedSequences drafted(prompts, drafter_, draft_tokens);
  auto generated = sample(drafted, request);
  stopwatch_.count({.drafted_tokens = drafted.drafted()});
  for (const auto& sequence : generated) {
    if (sequence.finish == FinishReason::kEndToken) drafter_.learn(sequence.ids);
  }
  return generated;
}

void Captioner::Impl::learn_drafts(std::span<const std::string> captions) const {
  for (const auto& caption : captions) {
    auto ids = loaded_.tokenizer->encode(trimmed(caption));
    ids.push_back(loaded_.end_of_turn());
    drafter_.learn(ids);
  }
}

SearchRequest Captioner::Impl::search_request(const DecodingConfig& decoding, const CaptionOptions& options,
                                              std::vector<CaptionStream>& streams) const {
  SearchRequest request{.decoding = decoding, .on_token = {}, .stop = options.stop};
  request.choose = [this, &decoding, &options](std::span<const GeneratedSequence> candidates) {
    std::vector<std::string> texts;
    for (const auto& candidate : candidates) texts.push_back(text_of(candidate, decoding));
    return least_risk(candidates, texts, options.utility);
  };
  if (options.on_token) {
    request.on_token = [&](size_t pair, int64_t id, double logprob) {
      const auto piece = streams[pair].push(id);
      return options.on_token({.pair = pair, .token_id = id, .logprob = logprob, .text = piece});
    };
  }
  return request;
}

std::string Captioner::Impl::text_of(const GeneratedSequence& sequence,
                                     const DecodingConfig& decoding) const {
  return trimmed(loaded_.tokenizer->decode(text_ids(sequence, decoding)));
}

Caption Captioner::Impl::to_caption(const GeneratedSequence& sequence, const DecodingConfig& decoding) const {
  stopwatch_.count({.generated_tokens = static_cast<int64_t>(sequence.ids.size())});
  Caption caption;
  caption.text = text_of(sequence, decoding);
  caption.token_ids = sequence.ids;
  caption.logprob = sequence.logprob;
  caption.finish = sequence.finish;
  return caption;
}

}  // namespace ccexpert::generate
