// Texts and pictures as parts of an HTML page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace ccexpert {

/// Bytes in Base64, as "data:" addresses hold them.
std::string base64(std::string_view bytes);

/// Text as the content of an element or of a quoted attribute.
std::string html_escaped(std::string_view text);

/// JSON within a script element must neither end it ("</script>") nor open a comment there ("<!--"); its
/// texts alone hold angle brackets.
std::string script_safe(std::string_view json);

/// The "data:" address of a picture that browsers can show, whatever its name; empty for any other file, for
/// one that cannot be read, and for one of more than `limit` bytes.
std::string picture_address(const std::filesystem::path& path, uint64_t limit);

}  // namespace ccexpert
