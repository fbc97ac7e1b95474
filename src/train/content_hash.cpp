#include "train/content_hash.h"

#include <cstdint>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ccexpert::train {

struct ContentHash::State {
  XXH3_state_t xxh3;
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh3);
}
ContentHash::~ContentHash() = default;

void ContentHash::add(const void* bytes, size_t count) {
  XXH3_128bits_update(&state_->xxh3, bytes, count);
}

void ContentHash::add_text(std::string_view text) {
  const uint64_t size = text.size();
  add(&size, sizeof size);
  add(text.data(), text.size());
}

std::string ContentHash::hex() const {
  const auto hash = XXH3_128bits_digest(&state_->xxh3);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string content_hash(const at::Tensor& tensor) {
  const auto values = tensor.detach().to(at::kCPU).contiguous();
  ContentHash hash;
  hash.add_text(fmt::format("{} {}", static_cast<int>(values.scalar_type()), fmt::join(values.sizes(), " ")));
  hash.add(values.const_data_ptr(), values.nbytes());
  return hash.hex();
}

}  // namespace ccexpert::train
