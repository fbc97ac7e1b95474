// The pickle of a torch archive.
#include "fuzz/target.h"
#include "io/state_pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  fuzz::reads([&] {
    for (const auto& tensor : io::read_state_pickle(fuzz::text_of(data, size), "x.bin")) {
      tensor.contiguous();
      tensor.elements();
      fuzz::expect(tensor.offset <= tensor.storage_elements &&
                       tensor.extent <= tensor.storage_elements - tensor.offset,
                   "tensors lie within their storage");
    }
  });
  return 0;
}
