// ccexpert-demo [MODEL] BEFORE AFTER: captions one pair, by the demo model unless another is named. Its
// sources are those that a caption needs, so that scripts/demo.sh compiles nothing else; ccexpert-caption has
// all options.
#include <filesystem>
#include <iostream>
#include <span>

#include <ccexpert/captioner.h>
#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

namespace {

void caption_pair(std::span<char* const> arguments) {
  if (arguments.size() != 2 && arguments.size() != 3) {
    throw ccexpert::Error("usage: ccexpert-demo [MODEL] BEFORE AFTER");
  }
  const bool names_model = arguments.size() == 3;
  const auto model =
      names_model ? std::filesystem::path(arguments.front()) : ccexpert::generate::demo_model();
  const auto pair = arguments.last(2);
  const auto before = ccexpert::image::decode_image(pair[0]);
  const auto after = ccexpert::image::decode_image(pair[1]);
  const auto captioner = ccexpert::Captioner::load(model);
  std::cout << captioner.caption(before.view(), after.view()).text << "\n";
}

}  // namespace

int main(int count, char** arguments) try {
  caption_pair(std::span<char* const>(arguments, static_cast<size_t>(count)).subspan(1));
} catch (const ccexpert::Error& error) {
  std::cerr << "ccexpert-demo: " << error.what() << "\n";
  return 1;
}
