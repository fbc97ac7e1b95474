#include "generate/shared/decode.h"

#include "generate/fixed_steps.h"
#include "generate/search.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {

std::vector<GeneratedSequence> grow(SequenceModel& model, const SearchRequest& request) {
  return request.decoding.beams > 1 ? beam_search(model, request) : sample(model, request);
}

std::vector<GeneratedSequence> search(DecoderSequences& prompts, const SearchRequest& request,
                                      FixedSteps* steps) {
  if (request.decoding.mbr > 0) return minimum_bayes_risk(prompts, request);
  const auto fixed = steps != nullptr ? steps->sequences(prompts, request.decoding) : nullptr;
  return fixed ? grow(*fixed, request) : grow(prompts, request);
}

std::span<const int64_t> text_ids(const GeneratedSequence& sequence, const DecodingConfig& decoding) {
  const std::span<const int64_t> ids = sequence.ids;
  const bool ended = !ids.empty() && decoding.is_stop(ids.back());
  return ended ? ids.first(ids.size() - 1) : ids;
}

std::vector<GeneratedSequence> decode(const model::Decoder& decoder, const model::PaddedSequences& prompts,
                                      const SearchRequest& request) {
  return runtime::with_one_error_type("use a smaller batch", [&] {
    DecoderSequences sequences(decoder, prompts, request.decoding.max_new_tokens);
    return search(sequences, request);
  });
}

std::vector<std::vector<GeneratedSequence>> decode_samples(const model::Decoder& decoder,
                                                           const model::PaddedSequences& prompts,
                                                           const SearchRequest& request,
                                                           std::span<const std::vector<SampleSeed>> seeds) {
  return runtime::with_one_error_type("use a smaller batch or fewer samples", [&] {
    const DecoderSequences sequences(decoder, prompts, request.decoding.max_new_tokens);
    std::vector<std::vector<GeneratedSequence>> samples;
    for (size_t prompt = 0; prompt < seeds.size(); ++prompt) {
      auto of_prompt = request;
      of_prompt.seeds = seeds[prompt];
      auto copies = sequences.repeated(static_cast<int64_t>(prompt), std::ssize(seeds[prompt]));
      samples.push_back(sample(copies, of_prompt));
    }
    return samples;
  });
}

}  // namespace ccexpert::generate
