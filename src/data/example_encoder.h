// Encoder of one sample into pixels, token ids, a mask and class shares.
#pragma once

#include <memory>
#include <span>

#include "data/bounded_cache.h"
#include "data/shared/loader.h"

namespace ccexpert::data {

/// Destination of one sample within a micro-batch.
struct SampleSlot {
  std::span<float> pixels;  ///< [2,3,P,P]
  std::vector<int64_t>& ids;
  std::vector<int64_t>& labels;
  std::span<float> change_mask;  ///< [G,G], or nothing
  std::span<float> classes;      ///< [2,G,G,C], or nothing
};

/// Thread-safe encoder.
class ExampleEncoder {
 public:
  /// Both must outlive this. Throws Error for invalid options.
  ExampleEncoder(const text::Tokenizer& tokenizer, const LoaderOptions& options);

  /// Numbers of values per pair: pixels, mask and classes (0 if masks or classes are off).
  size_t pixel_values() const;
  size_t mask_values() const;
  size_t class_values() const;

  /// Throws Error if an image, the mask or a class map cannot be read, or there are too many tokens.
  void encode(const ChangeExample& example, size_t caption, const SampleSlot& slot);

 private:
  void encode_text(const std::string& caption, const SampleSlot& slot) const;
  std::shared_ptr<const image::Image> image(const std::filesystem::path& path);
  std::shared_ptr<const std::vector<float>> mask(const std::filesystem::path& path);
  std::shared_ptr<const std::vector<float>> classes(const std::filesystem::path& path);
  void fill(std::span<float> slot, const std::filesystem::path& path, bool of_classes);

  const text::Tokenizer& tokenizer_;
  const LoaderOptions& options_;
  ByteBudget budget_;
  BoundedCache<image::Image> images_;
  BoundedCache<std::vector<float>> masks_;
  BoundedCache<std::vector<float>> classes_;
};

}  // namespace ccexpert::data
