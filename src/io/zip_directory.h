// Directory at the end of a zip archive (APPNOTE.TXT of PKWARE, sections 4.3.6 to 4.5.3).
#pragma once

#include <string_view>
#include <vector>

#include "io/zip_archive.h"

namespace ccexpert::io {

/// Returns the records in a file's bytes with their positions. Throws Error beginning with `source` for a
/// directory that is missing, damaged, or not supported by ZipArchive.
std::vector<ZipRecord> read_zip_directory(std::string_view file, std::string_view source);

}  // namespace ccexpert::io
