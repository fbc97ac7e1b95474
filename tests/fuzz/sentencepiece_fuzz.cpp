// A tokenizer.model of sentencepiece, and encoding and decoding with it.
#include <ccexpert/text/tokenizer.h>

#include "fuzz/target.h"
#include "text/sentencepiece_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  fuzz::reads([&] {
    const auto tokenizer = text::make_sentencepiece(fuzz::text_of(data, size), "x");
    const auto ids = tokenizer->encode("the road </s> is\xff wide\n");
    for (const auto id : ids)
      fuzz::expect(id >= 0 && id < tokenizer->vocab_size(), "ids are those of tokens");
    tokenizer->decode(ids, false);
  });
  return 0;
}
