// generation_config.json, for greedy decoding, sampling and beam search.
#include <ccexpert/generate/generation_config.h>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  fuzz::reads([&] {
    const generate::CheckpointGeneration generation(fuzz::text_of(data, size), "generation_config.json",
                                                    {1, 2});
    fuzz::reads([&] { to_text(generation.decoding({}, 1000)); });
    fuzz::reads([&] { to_text(generation.decoding({.do_sample = true}, 1000)); });
    fuzz::reads([&] { to_text(generation.decoding({.beams = 3}, 1000)); });
  });
  return 0;
}
