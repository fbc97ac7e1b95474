/// Fingerprint of a checkpoint, computed without reading all of its weights.
#pragma once

#include <filesystem>
#include <string>

namespace ccexpert::io {

/// Returns 32 hexadecimal digits for a checkpoint folder (or a hub's cache folder): they depend on the names,
/// sizes and contents of its configs and weights, not on its path or modification time. A file of weights
/// contributes its first and last MiB and 64 pages between them. Throws Error if the folder is not a
/// checkpoint (see open_checkpoint).
std::string fingerprint(const std::filesystem::path& folder);

}  // namespace ccexpert::io
