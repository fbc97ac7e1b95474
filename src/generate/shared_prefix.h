// Common starts of prompts.
#pragma once

#include <cstdint>
#include <vector>

namespace ccexpert::generate {

/// Returns the decoder positions that each row of `next` shares with the same row of `last` at its start, the
/// fewest of all rows. An image (a negative id) has `tokens_per_image` positions, and images of a row are
/// those of the other one. At least one position of each row of `next` is not shared: the next token depends
/// on it.
int64_t shared_prefix(const std::vector<std::vector<int64_t>>& last,
                      const std::vector<std::vector<int64_t>>& next, int64_t tokens_per_image);

}  // namespace ccexpert::generate
