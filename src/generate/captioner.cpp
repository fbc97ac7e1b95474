#include <exception>
#include <numeric>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <ccexpert/captioner.h>
#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/generate/loaded_model.h>
#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>
#include <ccexpert/text/prompt.h>

#include "generate/leading_model.h"
#include "generate/opened_model.h"
#include "generate/search.h"
#include "generate/shared/decoder_parts.h"
#include "generate/shared/feature_cache.h"
#include "generate/stopwatch.h"
#include "model/shared/adapter.h"
#include "model/shared/int8_model.h"
#include "runtime/torch_errors.h"
#include "text/shared/stream_decoder.h"

namespace ccexpert::generate {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

ChangeFeature to_change_feature(const at::Tensor& change, int64_t grid) {
  const auto values = change.to(at::kCPU, at::kFloat).contiguous();
  const auto* data = values.const_data_ptr<float>();
  return {grid, values.size(1), std::vector<float>(data, data + values.numel())};
}

std::vector<Caption> cancelled(size_t pairs) {
  Caption none;
  none.finish = FinishReason::kCancelled;
  return std::vector<Caption>(pairs, none);
}

}  // namespace

class Captioner::Impl {
 public:
  /// `link`: that of the first of several parts, or null.
  Impl(const OpenedModel& opened, const PartLink* link)
      : stopwatch_(opened.device),
        int8_(opened.precision == Precision::kInt8),
        features_(opened.feature_cache),
        loaded_{read_model_settings(texts_of(opened.checkpoint), opened.config), nullptr} {
    warn_of_stop_ids(decoding({}));  // reports invalid decoding settings of the checkpoint at once
    loaded_.model = stopwatch_.time(&CaptionerTimings::load, [&] {
      if (link != nullptr) return build_leading_model(opened, *link);
      const auto& weights = *opened.checkpoint.weights;
      auto model = int8_ ? model::build_int8_model(opened.config, weights, {.tensor = opened.tensor()})
                         : model::build_model(opened.config, weights, {.tensor = opened.tensor()});
      if (opened.apart) model::attach_adapter(*model, *opened.apart);
      return model;
    });
    if (!has_diff_expert()) {
      log::warning("this checkpoint is a base model without Diff Expert: captions are the baseline's");
    }
  }

  std::vector<Caption> caption(std::span<const ImagePair> pairs, const CaptionOptions& options) const {
    const auto decoding = this->decoding(options.generation);
    if (options.on_token && decoding.beams > 1) {
      fail_expected({"on_token", "no beam search", fmt::format("{} beams", decoding.beams)});
    }
    if (options.on_token && decoding.mbr > 0)
      fail_expected({"on_token", "no minimum-Bayes-risk decoding", fmt::format("{} samples", decoding.mbr)});
    if (decoding.mbr > 0 && !options.utility)
      fail_expected({"mbr", "a utility in the options", "none", "it compares captions of the samples"});
    if (pairs.empty()) return {};
    const auto prompts = prompts_of(pairs, options.question);
    const auto stopped = [&] { return options.stop.stop_requested(); };
    const c10::InferenceMode inference;
    const auto pixels = stopwatch_.time(&CaptionerTimings::preprocess, [&] { return pixels_of(pairs); });
    const auto features = stopwatch_.time(&CaptionerTimings::vision, [&] { return features_of(pixels); });
    if (stopped()) return cancelled(pairs.size());
    const auto images = stopwatch_.time(&CaptionerTimings::diff_expert, [&] {
      auto fused = loaded_.model->fuse(features);
      fused.tokens = loaded_.model->project(fused.tokens);
      return fused;
    });
    if (stopped()) return cancelled(pairs.size());
    auto captions = decode(images.tokens, prompts, decoding, options);
    if (options.change_feature && images.change.defined()) {
      for (size_t i = 0; i < captions.size(); ++i) {
        captions[i].change_feature =
            to_change_feature(images.change[static_cast<int64_t>(i)], model_config().vision.grid());
      }
    }
    return captions;
  }

  DecodingConfig decoding(const GenerationOptions& options) const { return loaded_.decoding(options); }
  const std::string& question() const { return loaded_.question; }
  bool has_diff_expert() const { return model_config().diff_expert.has_value(); }

  CaptionerTimings timings() const {
    auto timings = stopwatch_.sums();
    const auto images = features_.counts();
    timings.encoded_images = images.encoded;
    timings.reused_images = images.reused;
    return timings;
  }

  std::string description() const {
    const auto& config = model_config();
    int64_t parameters = 0;
    for (const auto& parameter : loaded_.model->parameters()) parameters += parameter.numel();
    const auto tensors = loaded_.model->options();
    return fmt::format("{:.1f} M parameters, {} px, {} scales, {} decoder layers, {} on {}",
                       static_cast<double>(parameters) * 1e-6, config.vision.image_size,
                       has_diff_expert() ? config.vision_layers.size() : 1, config.decoder.num_hidden_layers,
                       int8_ ? "int8" : runtime::dtype_name(tensors.dtype().toScalarType()),
                       tensors.device().str());
  }

 private:
  const model::ModelConfig& model_config() const { return loaded_.model->config(); }

  /// Warns if captions do not end at the end-of-turn token: a fine-tuned model ends its captions with it.
  void warn_of_stop_ids(const DecodingConfig& decoding) const {
    const int64_t end_of_turn = loaded_.end_of_turn();
    if (decoding.is_stop(end_of_turn)) return;
    log::warning(fmt::format(
        "captions do not end at token {} ({}), since generation_config.json does not list it in eos_token_id",
        end_of_turn, loaded_.tokenizer->token_bytes(end_of_turn)));
  }

  /// Returns [2B,3,P,P] in float32 on the CPU, before and after alternating.
  at::Tensor pixels_of(std::span<const ImagePair> pairs) const {
    const auto write = [&](int64_t i, std::span<float> slot) {
      const auto& pair = pairs[static_cast<size_t>(i / 2)];
      image::preprocess(i % 2 == 0 ? pair.before : pair.after, loaded_.preprocess, slot);
    };
    return load_pixels(2 * std::ssize(pairs), loaded_.preprocess.size, write);
  }

  std::vector<at::Tensor> features_of(const at::Tensor& pixels) const {
    return features_.features(pixels, [&](const at::Tensor& images) {
      return loaded_.model->vision_features(images.to(loaded_.model->options()));
    });
  }

  std::vector<std::vector<int64_t>> prompts_of(std::span<const ImagePair> pairs,
                                               std::string_view question) const {
    if (question.empty()) question = loaded_.question;
    const auto encode = [&](std::string_view asked) {
      return text::encode_prompt(*loaded_.tokenizer, asked, loaded_.prompt);
    };
    const auto shared = encode(question);
    std::vector<std::vector<int64_t>> prompts;
    for (const auto& pair : pairs) {
      prompts.push_back(pair.question.empty() ? shared : encode(pair.question));
    }
    return prompts;
  }

  std::vector<Caption> decode(const at::Tensor& image_tokens, const std::vector<std::vector<int64_t>>& ids,
                              const DecodingConfig& decoding, const CaptionOptions& options) const {
    const size_t pairs = ids.size();
    auto sequences = stopwatch_.time(&CaptionerTimings::prefill, [&] {
      const auto prompts = loaded_.model->splice(ids, image_tokens);
      stopwatch_.count(static_cast<int64_t>(pairs),
                       std::accumulate(prompts.lengths.begin(), prompts.lengths.end(), int64_t{0}), 0);
      return DecoderSequences(loaded_.model->decoder(), prompts, decoding.max_new_tokens);
    });
    std::vector<text::StreamDecoder> streams(pairs, text::StreamDecoder(*loaded_.tokenizer));
    const auto request = search_request(decoding, options, streams);
    const auto generated =
        stopwatch_.time(&CaptionerTimings::decode, [&] { return search(sequences, request); });
    std::vector<Caption> captions;
    for (const auto& sequence : generated) captions.push_back(to_caption(sequence));
    return captions;
  }

  SearchRequest search_request(const DecodingConfig& decoding, const CaptionOptions& options,
                               std::vector<text::StreamDecoder>& streams) const {
    SearchRequest request{.decoding = decoding, .on_token = {}, .stop = options.stop};
    request.choose = [this, &options](std::span<const GeneratedSequence> candidates) {
      std::vector<std::string> texts;
      for (const auto& candidate : candidates) texts.push_back(text_of(candidate));
      return least_risk(candidates, texts, options.utility);
    };
    if (options.on_token) {
      std::vector<int64_t> left(streams.size(), decoding.max_new_tokens);
      request.on_token = [&, left = std::move(left)](size_t pair, int64_t id, double logprob) mutable {
        auto piece = streams[pair].push(id);
        const bool last = --left[pair] == 0 || decoding.is_stop(id);
        if (last) piece += streams[pair].finish();
        return options.on_token({.pair = pair, .token_id = id, .logprob = logprob, .text = piece});
      };
    }
    return request;
  }

  std::string text_of(const GeneratedSequence& sequence) const {
    return trimmed(loaded_.tokenizer->decode(sequence.ids));
  }

  Caption to_caption(const GeneratedSequence& sequence) const {
    stopwatch_.count(0, 0, static_cast<int64_t>(sequence.ids.size()));
    Caption caption;
    caption.text = text_of(sequence);
    caption.token_ids = sequence.ids;
    caption.logprob = sequence.logprob;
    caption.finish = sequence.finish;
    return caption;
  }

  mutable Stopwatch stopwatch_;
  bool int8_;
  mutable FeatureCache features_;
  LoadedModel loaded_;
};

namespace {

/// An int8 checkpoint has no other weights.
Precision precision_of(Precision asked, const io::TensorSource& weights) {
  if (!model::is_int8(weights)) return asked;
  if (asked != Precision::kAuto && asked != Precision::kInt8) {
    fail_expected({"dtype", "int8 for a checkpoint of int8 weights", text_of(asked)});
  }
  return Precision::kInt8;
}

/// Opens a checkpoint with its adapter: merged, but apart from weights of 8 bits, as a training leaves both.
OpenedModel opened_files(const std::filesystem::path& folder, const std::filesystem::path& merged) {
  if (merged.empty()) {
    OpenedModel plain{.checkpoint = model::open_plain_checkpoint(folder)};
    if (model::is_int8(*plain.checkpoint.weights)) {
      plain.apart = model::adapter_beside(plain.checkpoint.folder);
      return plain;
    }
    if (!model::adapter_beside(plain.checkpoint.folder)) return plain;
  }
  return {.checkpoint = model::open_adapted_checkpoint(folder, merged)};
}

constexpr const char* kMemoryHint = "use a smaller batch or another dtype";

}  // namespace

Captioner::Captioner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Captioner::Captioner(Captioner&&) noexcept = default;
Captioner& Captioner::operator=(Captioner&&) noexcept = default;
Captioner::~Captioner() = default;

at::TensorOptions OpenedModel::tensor() const {
  return at::TensorOptions().dtype(runtime::dtype_of(precision, device)).device(device);
}

OpenedModel open_for_captions(const std::filesystem::path& folder, const CaptionerConfig& config) {
  if (config.threads < 0 || config.threads > kMostThreads) {
    fail_expected(
        {"threads", fmt::format("0 (all cores) to {}", kMostThreads), std::to_string(config.threads)});
  }
  if (config.feature_cache < 0)
    fail_expected({"feature_cache", "bytes, or 0 for none", std::to_string(config.feature_cache)});
  if (config.threads > 0) at::set_num_threads(config.threads);
  auto device = runtime::device_from_name(config.device);
  const auto merged = config.merge_adapter ? config.adapter : std::filesystem::path();
  if (config.adapter != merged)
    model::expect_no_own_adapter(model::open_plain_checkpoint(folder).folder, config.adapter);
  auto opened = opened_files(folder, merged);
  opened.feature_cache = config.feature_cache;
  if (config.adapter != merged) opened.apart = model::open_adapter(config.adapter);
  const auto source = (opened.checkpoint.folder / "config.json").string();
  opened.precision = precision_of(config.dtype, *opened.checkpoint.weights);
  // Products of int8 are computed on a CPU only.
  if (opened.precision == Precision::kInt8 && config.device.is_auto()) device = at::Device(at::kCPU);
  opened.device = device;
  opened.config = model::parse_model_config(opened.checkpoint.config_json, source);
  return opened;
}

Captioner Captioner::load(const std::filesystem::path& folder, const CaptionerConfig& config) {
  return runtime::with_one_error_type(kMemoryHint, [&] {
    return Captioner(std::make_unique<Impl>(open_for_captions(folder, config), nullptr));
  });
}

Captioner load_first_part(const std::filesystem::path& folder, const CaptionerConfig& config,
                          const PartLink& link) {
  return runtime::with_one_error_type(kMemoryHint, [&] {
    return Captioner(std::make_unique<Captioner::Impl>(open_for_captions(folder, config), &link));
  });
}

Caption Captioner::caption(const image::ImageView& before, const image::ImageView& after,
                           const CaptionOptions& options) const {
  const ImagePair pair{before, after};
  return caption(std::span(&pair, 1), options).front();
}

std::vector<Caption> Captioner::caption(std::span<const ImagePair> pairs,
                                        const CaptionOptions& options) const {
  // An exception of the caller's function is rethrown unchanged.
  std::exception_ptr thrown;
  auto guarded = options;
  if (options.on_token) {
    guarded.on_token = [&](const TokenEvent& event) {
      try {
        return !thrown && options.on_token(event);
      } catch (...) {
        thrown = std::current_exception();
        return false;
      }
    };
  }
  auto captions = runtime::with_one_error_type(kMemoryHint, [&] { return impl_->caption(pairs, guarded); });
  if (thrown) std::rethrow_exception(thrown);
  return captions;
}

DecodingConfig Captioner::decoding(const GenerationOptions& options) const {
  return impl_->decoding(options);
}
const std::string& Captioner::question() const {
  return impl_->question();
}
bool Captioner::has_diff_expert() const {
  return impl_->has_diff_expert();
}
std::string Captioner::description() const {
  return impl_->description();
}
CaptionerTimings Captioner::timings() const {
  return impl_->timings();
}

}  // namespace ccexpert::generate
