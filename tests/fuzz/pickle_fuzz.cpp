// The pickle of a torch archive.
#include "fuzz/target.h"
#include "io/state_pickle.h"

namespace {

using namespace ccexpert;

/// Reads the tensors of the dictionary, or of its entry `inner`.
void read(std::string_view pickle, std::string_view inner) {
  fuzz::reads([&] {
    for (const auto& tensor : io::read_state_pickle(pickle, "x.bin", inner)) {
      tensor.contiguous();
      tensor.elements();
      fuzz::expect(tensor.offset <= tensor.storage_elements &&
                       tensor.extent <= tensor.storage_elements - tensor.offset,
                   "tensors lie within their storage");
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto pickle = fuzz::text_of(data, size);
  read(pickle, {});
  read(pickle, "model");
  return 0;
}
