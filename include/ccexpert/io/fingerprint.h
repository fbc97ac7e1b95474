/// Tells checkpoints apart without reading all of their weights.
#pragma once

#include <filesystem>
#include <string>

namespace ccexpert::io {

/// 32 hexadecimal digits of a checkpoint folder (or a hub's cache folder): they depend on the names, sizes
/// and contents of its configs and weights, not on where it lies or when it was written. A file of weights
/// adds its first and last MiB and 64 pages between them. Throws Error if the folder is not a checkpoint (see
/// open_checkpoint).
std::string fingerprint(const std::filesystem::path& folder);

}  // namespace ccexpert::io
