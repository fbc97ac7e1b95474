// Whole-file reading and writing of small text files, with errors that name the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ccexpert {

/// True if a path exists, is a regular file, or is a folder; links are followed. Throws Error, with the
/// system's reason, if the path cannot be accessed: false always means absent or of another type.
bool is_there(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);

/// Returns the bytes of a file. Throws Error if it cannot be read, or is larger than `limit` bytes: files
/// that are read whole (configs, vocabularies) are small, so a larger one is the wrong file.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{256} << 20);

/// Makes a folder and its parents; an empty path is the working folder. Throws Error if the path is a file or
/// the system refuses.
void make_folder(const std::filesystem::path& folder);

/// Throws the Error that write_file would throw now if the system refuses `path`; writes nothing.
void expect_writable(const std::filesystem::path& path);

/// Writes a file completely or not at all. Throws Error naming `path` if the system refuses.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace ccexpert
