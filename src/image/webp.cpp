// WebP decoder with libwebp; decodes the first frame of an animation.
#include <memory>

#include <webp/decode.h>
#include <webp/demux.h>

#include <ccexpert/core/error.h>

#include "image/codec.h"

namespace ccexpert::image {
namespace {

constexpr std::string_view kFormat = "WebP";

/// Decodes a still image, in which the only frame equals the canvas.
void decode_still(const ImageFile& file, const WebPIterator& frame, Image& image) {
  const auto stride = static_cast<int>(3 * image.width);
  if (frame.width != image.width || frame.height != image.height ||
      WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, image.pixels.data(), image.pixels.size(),
                        stride) == nullptr) {
    fail_damaged(file, kFormat, "its pixels cannot be decoded");
  }
}

/// Decodes an animation, in which a frame may cover a part of the canvas.
void decode_animated(const ImageFile& file, Image& image) {
  const WebPData data{file.bytes.data(), file.bytes.size()};
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(
      WebPAnimDecoderNew(&data, nullptr), &WebPAnimDecoderDelete);
  uint8_t* canvas = nullptr;
  int time = 0;
  if (decoder == nullptr || !WebPAnimDecoderGetNext(decoder.get(), &canvas, &time))
    fail_damaged(file, kFormat, "its first frame cannot be decoded");
  uint8_t* to = image.pixels.data();
  for (int64_t i = 0; i < image.width * image.height; ++i, canvas += 4, to += 3)
    std::copy(canvas, canvas + 3, to);
}

}  // namespace

Image decode_webp(const ImageFile& file) {
  const WebPData data{file.bytes.data(), file.bytes.size()};
  WebPDemuxState state{};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemuxPartial(&data, &state),
                                                                         &WebPDemuxDelete);
  if (state == WEBP_DEMUX_PARSING_HEADER || state == WEBP_DEMUX_PARSED_HEADER) fail_truncated(file, kFormat);
  if (demuxer == nullptr || state == WEBP_DEMUX_PARSE_ERROR)
    fail_damaged(file, kFormat, "its chunks do not fit together");
  auto image = blank_image(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                           WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), file.name);
  if ((WebPDemuxGetI(demuxer.get(), WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG) != 0) {
    decode_animated(file, image);
    return image;
  }
  WebPIterator frame{};
  if (!WebPDemuxGetFrame(demuxer.get(), 1, &frame)) fail_damaged(file, kFormat, "it has no frame");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(&frame,
                                                                                   &WebPDemuxReleaseIterator);
  decode_still(file, frame, image);
  return image;
}

}  // namespace ccexpert::image
