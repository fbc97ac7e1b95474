// The files of a tokenizer, and encoding and decoding with it.
#include <ccexpert/text/tokenizer.h>

#include "fuzz/target.h"
#include "text/byte_level_bpe.h"
#include "text/shared/stream_decoder.h"

namespace ccexpert::fuzz {
namespace {

std::optional<std::string> file_of(std::string_view part) {
  return part.empty() ? std::nullopt : std::optional(std::string(part));
}

void use(const text::Tokenizer& tokenizer, std::string_view input) {
  const auto ids = tokenizer.encode(input);
  text::StreamDecoder stream(tokenizer, false);
  std::string streamed;
  for (const auto id : ids) {
    expect(id >= 0 && id < tokenizer.vocab_size(), "ids are those of tokens");
    streamed += stream.push(id);
  }
  streamed += stream.finish();
  expect(streamed == tokenizer.decode(ids, false), "a stream decodes as the whole does");
  tokenizer.decode(std::vector<int64_t>{0, 1, 300, tokenizer.vocab_size(), int64_t{1} << 60});
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 6);
  const text::TokenizerTexts texts{fuzz::file_of(parts[0]), fuzz::file_of(parts[1]), fuzz::file_of(parts[2]),
                                   fuzz::file_of(parts[3]), fuzz::file_of(parts[4])};
  fuzz::reads([&] {
    const auto tokenizer = text::make_byte_level_bpe(text::parse_tokenizer_files(texts, "x"));
    fuzz::use(*tokenizer, "the road <|im_end|> is\xff wide\n");
    fuzz::use(*tokenizer, parts[5].substr(0, 4096));
  });
  return 0;
}
