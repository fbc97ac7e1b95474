#include <ccexpert/generate/decode.h>

#include "generate/search.h"

namespace ccexpert::generate {

std::vector<GeneratedSequence> decode(const model::Decoder& decoder, const model::PaddedSequences& prompts,
                                      const SearchRequest& request) {
  DecoderSequences sequences(decoder, prompts, request.decoding.max_new_tokens);
  return request.decoding.beams > 1 ? beam_search(sequences, request) : sample(sequences, request);
}

}  // namespace ccexpert::generate
