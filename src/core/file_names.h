// Helpers for names and first bytes of files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert {

/// Returns the extension in lower case, with its dot.
std::string lower_extension(const std::filesystem::path& path);

/// Returns the extensions of supported image files, in lower case.
const std::vector<std::string>& image_extensions();
bool has_image_extension(const std::filesystem::path& path);

/// True if the name begins with a dot, like the files that file systems and viewers store next to images (a
/// Mac's "._1.png" next to "1.png").
bool is_hidden(const std::filesystem::path& path);

/// True if the name `first` sorts before `second`: by bytes, and numbers by value, so that t9 comes before
/// t10.
bool sorts_before(std::string_view first, std::string_view second);

/// Returns the text without a UTF-8 byte order mark, which some editors write.
std::string_view without_byte_order_mark(std::string_view text);

}  // namespace ccexpert
