// Incremental checksum of bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace ccexpert::train {

/// 128-bit XXH3. It detects damage and differences but is not collision-resistant against an attacker.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void add(const void* bytes, size_t count);
  /// Adds the text and its length, so that the boundaries of consecutive texts count.
  void add_text(std::string_view text);
  /// Returns the checksum of everything added so far in 32 hexadecimal digits.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Returns the checksum of a tensor's dtype, sizes and values.
std::string content_hash(const at::Tensor& tensor);

}  // namespace ccexpert::train
