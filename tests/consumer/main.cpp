// Captions a pair of images: consumer MODEL BEFORE AFTER
#include <iostream>

#include <ccexpert/captioner.h>
#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

int main(int count, char** arguments) try {
  if (count != 4) throw ccexpert::Error("usage: consumer MODEL BEFORE AFTER");
  const auto captioner = ccexpert::Captioner::load(arguments[1]);
  const auto before = ccexpert::image::decode_image(arguments[2]);
  const auto after = ccexpert::image::decode_image(arguments[3]);

  ccexpert::CaptionOptions options;
  options.generation.max_new_tokens = 32;
  const auto caption = captioner.caption(before.view(), after.view(), options);
  std::cout << caption.text << "\n";
} catch (const ccexpert::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
