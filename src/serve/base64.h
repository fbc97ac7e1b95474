// Base64 and "data:" addresses of requests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::serve {

/// Returns the bytes of Base64 (RFC 4648, both alphabets), with or without padding; line ends are passed
/// over. Throws Error, beginning with `name`, for any other text.
std::vector<uint8_t> from_base64(std::string_view text, std::string_view name);

/// Returns the bytes of "data:image/png;base64,...", or of Base64 alone. Throws Error for another kind of
/// address: the server fetches nothing.
std::vector<uint8_t> image_bytes(std::string_view text, std::string_view name);

/// Throws Error, beginning with `name`, for a short text with a dot, as names of files are. `hint`: what to
/// send in its place.
void expect_no_file_name(std::string_view text, std::string_view name, std::string_view hint);

}  // namespace ccexpert::serve
