#include "data/example_encoder.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/error_place.h"
#include "core/threads.h"
#include "data/patch_mask.h"
#include "image/shared/resize.h"

namespace ccexpert::data {
namespace {

constexpr float kNoMask = -1.0F;

void expect_between(int64_t least, int64_t most, int64_t value, const char* name) {
  if (value < least || value > most) {
    fail_expected({fmt::format("loader: {}", name), fmt::format("a number from {} to {}", least, most),
                   std::to_string(value)});
  }
}

void check(const LoaderOptions& options) {
  constexpr int64_t kMany = int64_t{1} << 40;
  expect_between(1, 1 << 14, options.preprocess.size, "image size");
  expect_between(1, kMany, options.image_tokens, "image_tokens");
  expect_between(0, kMany, options.max_tokens, "max_tokens");
  expect_between(0, options.preprocess.size, options.mask_patch, "mask_patch");
  expect_between(0, options.mask_patch > 0 ? 255 : 0, options.classes, "classes");
  expect_between(0, kThreadLimit, options.workers, "workers");
  expect_between(1, kMany, options.prefetch, "prefetch");
  expect_between(0, int64_t{1} << 50, options.cache_bytes, "cache_bytes");
  static_cast<void>(text::complete_question(options.question, options.prompt));
}

std::vector<float> class_shares(const image::ImageView& map, const std::filesystem::path& path,
                                const LoaderOptions& options) {
  return with_place(path.string(), [&] {
    return patch_class_shares(map, options.preprocess, options.mask_patch, options.classes);
  });
}

}  // namespace

ExampleEncoder::ExampleEncoder(const text::Tokenizer& tokenizer, const LoaderOptions& options)
    : tokenizer_(tokenizer),
      options_(options),
      budget_(options.cache_bytes),
      images_(budget_),
      masks_(budget_),
      classes_(budget_) {
  check(options);
}

size_t ExampleEncoder::pixel_values() const {
  const auto side = static_cast<size_t>(options_.preprocess.size);
  return size_t{2} * 3 * side * side;
}

size_t ExampleEncoder::mask_values() const {
  if (options_.mask_patch == 0) return 0;
  const auto side = static_cast<size_t>(options_.preprocess.size / options_.mask_patch);
  return side * side;
}

size_t ExampleEncoder::class_values() const {
  return 2 * mask_values() * static_cast<size_t>(options_.classes);
}

void ExampleEncoder::encode(const ChangeExample& example, size_t caption, const SampleSlot& slot) {
  encode_text(example.captions[caption], slot);
  const size_t half = slot.pixels.size() / 2;
  image::preprocess(image(example.before)->view(), options_.preprocess, slot.pixels.first(half));
  image::preprocess(image(example.after)->view(), options_.preprocess, slot.pixels.last(half));
  fill(slot.change_mask, example.mask, false);
  const size_t half_classes = slot.classes.size() / 2;
  fill(slot.classes.first(half_classes), example.classes_before, true);
  fill(slot.classes.last(half_classes), example.classes_after, true);
}

void ExampleEncoder::fill(std::span<float> slot, const std::filesystem::path& path, bool of_classes) {
  if (slot.empty()) return;
  if (path.empty()) {
    std::fill(slot.begin(), slot.end(), kNoMask);
  } else {
    std::copy_n((of_classes ? classes(path) : mask(path))->begin(), slot.size(), slot.begin());
  }
}

void ExampleEncoder::encode_text(const std::string& caption, const SampleSlot& slot) const {
  auto encoded = text::encode_training_example(tokenizer_, {options_.question, caption}, options_.labels,
                                               options_.prompt);
  const auto tokens = text::spliced_length(encoded.ids, options_.image_tokens);
  if (options_.max_tokens > 0 && tokens > options_.max_tokens) {
    fail_expected({"sample", fmt::format("at most {} tokens", options_.max_tokens), std::to_string(tokens)});
  }
  slot.ids = std::move(encoded.ids);
  slot.labels = std::move(encoded.labels);
}

std::shared_ptr<const image::Image> ExampleEncoder::image(const std::filesystem::path& path) {
  if (auto kept = images_.find(path.string())) return kept;
  auto decoded = std::make_shared<const image::Image>(image::decode_image(path));
  const bool padded =
      options_.preprocess.aspect == image::AspectMode::kPad && decoded->height != decoded->width;
  if (options_.cache_bytes == 0 || padded) return decoded;
  const int64_t side = options_.preprocess.size;
  // Resizing to the same size changes nothing, so preprocess may resize it again.
  auto resized = std::make_shared<const image::Image>(image::resize_bicubic(decoded->view(), side, side));
  images_.offer(path.string(), resized, static_cast<int64_t>(resized->pixels.size()));
  return resized;
}

std::shared_ptr<const std::vector<float>> ExampleEncoder::mask(const std::filesystem::path& path) {
  if (auto kept = masks_.find(path.string())) return kept;
  const auto decoded = image::decode_image(path);
  auto shares = std::make_shared<const std::vector<float>>(
      patch_shares(decoded.view(), options_.preprocess, options_.mask_patch));
  masks_.offer(path.string(), shares, static_cast<int64_t>(shares->size() * sizeof(float)));
  return shares;
}

std::shared_ptr<const std::vector<float>> ExampleEncoder::classes(const std::filesystem::path& path) {
  if (auto kept = classes_.find(path.string())) return kept;
  const auto decoded = image::decode_image(path);
  auto shares = std::make_shared<const std::vector<float>>(class_shares(decoded.view(), path, options_));
  classes_.offer(path.string(), shares, static_cast<int64_t>(shares->size() * sizeof(float)));
  return shares;
}

}  // namespace ccexpert::data
