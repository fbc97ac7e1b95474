// A checksum of bytes that come in parts.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace ccexpert::train {

/// XXH3 of 128 bits. It finds damage and differences, and keeps nobody from making two texts of one sum.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void add(const void* bytes, size_t count);
  /// The text and its length: texts that follow one another keep their bounds.
  void add_text(std::string_view text);
  /// Of what was added so far, in 32 hexadecimal digits.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccexpert::train
