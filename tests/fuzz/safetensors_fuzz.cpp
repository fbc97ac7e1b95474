// The header of a safetensors file.
#include "fuzz/target.h"
#include "io/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  fuzz::reads([&] {
    for (const auto& entry : io::read_safetensors_header(fuzz::text_of(data, size), "x.safetensors"))
      fuzz::expect(entry.offset <= size && entry.bytes <= size - entry.offset, "tensors lie within the file");
  });
  return 0;
}
