// Fake model for tests of the tools: its caption names its images.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <ccexpert/image/decode.h>

#include "caption/caption_run.h"

namespace ccexpert::test {

/// Writes a grey image; a fake caption names its first pixel.
inline void write_image(const std::filesystem::path& path, uint8_t grey, int64_t height = 4,
                        int64_t width = 4) {
  std::filesystem::create_directories(path.parent_path());
  const image::Image image{height, width,
                           std::vector<uint8_t>(static_cast<size_t>(height * width * 3), grey)};
  image::write_png(path, image.view());
}

/// Returns "from <grey of before> to <grey of after>".
inline Caption fake_caption(const ImagePair& pair) {
  Caption caption;
  caption.text = fmt::format("from {} to {}", pair.before.data[0], pair.after.data[0]);
  caption.token_ids = {pair.before.data[0], pair.after.data[0]};
  caption.logprob = -1.5;
  caption.finish = FinishReason::kEndToken;
  return caption;
}

inline std::vector<Caption> fake_captions(std::span<const ImagePair> pairs,
                                          const CaptionOptions& /*options*/) {
  std::vector<Caption> captions;
  for (const auto& pair : pairs) captions.push_back(fake_caption(pair));
  return captions;
}

}  // namespace ccexpert::test
