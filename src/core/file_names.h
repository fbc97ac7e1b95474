// What names and beginnings of files say.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert {

/// In lower case, with its dot.
std::string lower_extension(const std::filesystem::path& path);

/// Of the image files that are read, in lower case.
const std::vector<std::string>& image_extensions();
bool has_image_extension(const std::filesystem::path& path);

/// Whether a name begins with a dot, as those that file systems and viewers keep beside images do (a Mac's
/// "._1.png" beside "1.png").
bool is_hidden(const std::filesystem::path& path);

/// The text without the mark that some editors begin UTF-8 files with.
std::string_view without_byte_order_mark(std::string_view text);

}  // namespace ccexpert
