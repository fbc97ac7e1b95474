// Text files in any encoding: decoding them whole and in pieces gives the same text.
#include "core/printable.h"
#include "core/text_decoder.h"
#include "core/text_file.h"
#include "core/utf8.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto bytes = fuzz::text_of(data, size);
  std::string whole, pieces;
  const bool good = fuzz::reads([&] { whole = decoded_text(bytes, "x.txt"); });
  const size_t step = size == 0 ? 1 : 1 + data[size - 1] % 7;
  const bool good_in_pieces = fuzz::reads([&] {
    TextDecoder decoder("x.txt");
    for (size_t at = 0; at < size; at += step) pieces += decoder.decode(bytes.substr(at, step), false);
    pieces += decoder.decode({}, true);
  });
  fuzz::expect(good == good_in_pieces, "a file reads whole if and only if it reads in pieces");
  if (good) {
    fuzz::expect(whole == pieces, "a file says the same whole and in pieces");
    fuzz::expect(first_invalid_utf8(whole) == std::string::npos, "decoded text is UTF-8");
  }
  const auto shown = printable(bytes);
  fuzz::expect(printable(shown) == shown, "printable text stays as it is");
  fuzz::expect(first_invalid_utf8(shown) == std::string::npos, "printable text is UTF-8");
  fuzz::reads([&] { fail_expected({bytes, bytes.substr(0, size / 2), bytes, "hint"}); });
  return 0;
}
