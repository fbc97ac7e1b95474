#include "generate/sample_errors.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <ccexpert/generate/loaded_model.h>
#include <ccexpert/model/weights.h>

#include "generate/sequence_model.h"
#include "model/shared/int8_errors.h"
#include "model/shared/int8_model.h"

namespace ccexpert::generate {
namespace {

/// Tokens of a caption whose logits are compared.
constexpr int64_t kTokens = 24;

/// Caption of a sample in float32.
struct SampleCaption {
  std::vector<int64_t> ids;
  at::Tensor logits;  ///< [T,V], before each of the ids
};

at::Tensor pixels_of(const LoadedModel& loaded, const ImagePair& pair) {
  const auto pixels = load_pixels(2, loaded.preprocess.size, [&](int64_t i, std::span<float> slot) {
    image::preprocess(i == 0 ? pair.before : pair.after, loaded.preprocess, slot);
  });
  return pixels.to(loaded.model->options());
}

/// Prefills the model's own question about a pair, after `start` if there is one.
DecoderSequences prompt_about(const LoadedModel& loaded, const ImagePair& pair,
                              const std::optional<PromptStart>& start) {
  const auto& model = *loaded.model;
  const auto ids = text::encode_prompt(*loaded.tokenizer, loaded.question, loaded.prompt);
  auto prompt = model.splice({ids}, model.encode_images(pixels_of(loaded, pair)).tokens);
  const int64_t held = start ? start->lengths({ids}).front() : 0;
  model::KvCache cache(model.decoder().config().num_hidden_layers, prompt.embeddings.size(1) + kTokens);
  if (held > 0) {
    const auto first = [&](const at::Tensor& tokens) {
      return tokens.narrow(2, 0, held).to(prompt.embeddings.scalar_type());
    };
    const auto& prefix = start.value().prefix;
    cache.start(first(prefix.keys), first(prefix.values), {held});
  }
  prompt.embeddings = prompt.embeddings.slice(1, held);
  prompt.lengths.front() -= held;
  return {model.decoder(), std::move(cache), prompt};
}

at::Tensor joined(const std::vector<at::Tensor>& logits) {
  return at::cat(logits).to(at::kFloat);
}

/// Captions a pair greedily, up to kTokens.
SampleCaption caption_of(const LoadedModel& loaded, const ImagePair& pair) {
  auto sequence = prompt_about(loaded, pair, std::nullopt);
  const auto decoding = loaded.decoding({});
  std::vector<int64_t> ids;
  std::vector<at::Tensor> logits;
  while (true) {
    logits.push_back(sequence.logits());
    ids.push_back(logits.back().argmax().item<int64_t>());
    if (decoding.is_stop(ids.back()) || std::ssize(ids) == kTokens) break;
    sequence.grow({0}, {ids.back()});
  }
  return {ids, joined(logits)};
}

/// Returns the logits [T,V] before each of `ids`.
at::Tensor logits_before(DecoderSequences sequence, const std::vector<int64_t>& ids) {
  std::vector<at::Tensor> logits{sequence.logits()};
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    sequence.grow({0}, {ids[i]});
    logits.push_back(sequence.logits());
  }
  return joined(logits);
}

/// Adds the tokens of a caption; `mean_cosine` and `same_choice` are sums until `finish`.
void add(LogitAgreement& agreement, const at::Tensor& expected, const at::Tensor& logits) {
  const auto cosine = at::cosine_similarity(expected.to(at::kDouble), logits.to(at::kDouble), 1);
  agreement.tokens += expected.size(0);
  agreement.least_cosine = std::min(agreement.least_cosine, cosine.min().item<double>());
  agreement.mean_cosine += cosine.sum().item<double>();
  agreement.same_choice += (expected.argmax(1) == logits.argmax(1)).sum().item<double>();
}

LogitAgreement finish(LogitAgreement sums) {
  sums.mean_cosine /= static_cast<double>(sums.tokens);
  sums.same_choice /= static_cast<double>(sums.tokens);
  return sums;
}

/// Compares the logits of `loaded` with those of the captions of `samples`.
LogitAgreement agreement_of(const LoadedModel& loaded, std::span<const ImagePair> samples,
                            const std::vector<SampleCaption>& captions,
                            const std::optional<PromptStart>& start) {
  LogitAgreement sums;
  sums.mean_cosine = sums.same_choice = 0.0;
  for (size_t i = 0; i < captions.size(); ++i) {
    const auto& expected = captions[i];
    add(sums, expected.logits, logits_before(prompt_about(loaded, samples[i], start), expected.ids));
  }
  return finish(sums);
}

}  // namespace

SampleErrors sample_errors(const io::Checkpoint& checkpoint, const model::ModelConfig& config,
                           const QuantizeRequest& request, const std::optional<PromptStart>& start) {
  SampleErrors result;
  if (request.samples.empty()) return result;
  const c10::InferenceMode inference;
  const auto& weights = *checkpoint.weights;
  LoadedModel loaded{read_model_settings(texts_of(checkpoint), config), nullptr};
  loaded.model = model::build_model(config, weights, {.tensor = at::TensorOptions().dtype(at::kFloat)});
  std::vector<SampleCaption> captions;
  {
    const model::Int8OutputErrors errors(*loaded.model,
                                         model::quantized_matrices(config, request.blocks).int4);
    for (const auto& pair : request.samples) captions.push_back(caption_of(loaded, pair));
    result.outputs = errors.by_matrix();
  }
  loaded.model = nullptr;
  loaded.model = model::build_int8_model(config, weights, {}, request.blocks);
  result.logits = agreement_of(loaded, request.samples, captions, start);
  if (request.beside_bfloat16) {
    loaded.model = nullptr;
    loaded.model = model::build_model(config, weights, {.tensor = at::TensorOptions().dtype(at::kBFloat16)});
    result.bfloat16_logits = agreement_of(loaded, request.samples, captions, std::nullopt);
  }
  return result;
}

}  // namespace ccexpert::generate
