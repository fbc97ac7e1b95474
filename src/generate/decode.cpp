#include "generate/shared/decode.h"

#include "generate/search.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {

std::vector<GeneratedSequence> decode(const model::Decoder& decoder, const model::PaddedSequences& prompts,
                                      const SearchRequest& request) {
  return runtime::with_one_error_type("use a smaller batch", [&] {
    DecoderSequences sequences(decoder, prompts, request.decoding.max_new_tokens);
    return request.decoding.beams > 1 ? beam_search(sequences, request) : sample(sequences, request);
  });
}

}  // namespace ccexpert::generate
