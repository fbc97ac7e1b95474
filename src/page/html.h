// Text and pictures for HTML pages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace ccexpert::page {

/// Encodes bytes in Base64, as in "data:" addresses.
std::string base64(std::string_view bytes);

/// Escapes text for the content of an element or a quoted attribute.
std::string html_escaped(std::string_view text);

/// Escapes JSON for a script element, where it must not end the element ("</script>") or open a comment
/// ("<!--"); only its strings contain angle brackets.
std::string script_safe(std::string_view json);

/// Returns the "data:" address of a picture that browsers can show, whatever its name; empty for any other
/// file, for an unreadable file, and for a file of more than `limit` bytes.
std::string picture_address(const std::filesystem::path& path, uint64_t limit);

}  // namespace ccexpert::page
