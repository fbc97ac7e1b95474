// Reading and writing small text files whole, with errors that name the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ccexpert {

/// Whether anything, a regular file, or a folder stands at a path, links followed. False only if nothing, or
/// something else, is there: Error, with the system's reason, if it cannot be looked at.
bool is_there(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);

/// The bytes of a file. Throws Error where it cannot be read, or is larger than `limit` bytes: what is read
/// whole here (configs, vocabularies) is small, and a larger file is a wrong file.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{256} << 20);

/// Makes a folder and those above it; an empty path is the working folder. Throws Error where a file stands
/// there or the system refuses.
void make_folder(const std::filesystem::path& folder);

/// Throws the Error that write_file would throw now where the system refuses `path`; writes nothing.
void expect_writable(const std::filesystem::path& path);

/// Writes a file that appears whole or not at all. Throws Error naming `path` where the system refuses.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace ccexpert
