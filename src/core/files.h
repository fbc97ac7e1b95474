// Reading small text files whole, with errors that name the file.
#pragma once

#include <filesystem>
#include <string>

namespace ccexpert {

/// The bytes of a file. Throws Error where it cannot be read, or is larger than `limit` bytes: what is read
/// whole here (configs, vocabularies) is small, and a larger file is a wrong file.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{256} << 20);

}  // namespace ccexpert
