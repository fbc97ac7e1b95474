/// Fingerprint of a checkpoint, computed from the whole contents of its files.
#pragma once

#include <filesystem>
#include <string>

namespace ccexpert::io {

/// Returns 32 hexadecimal digits for a checkpoint folder (or a hub's cache folder). They depend on the names
/// and the whole contents of its configs, tokenizer files and weights, not on its path or modification time.
/// Reads each of these files once. Throws Error if the folder is not a checkpoint (see open_checkpoint).
std::string fingerprint(const std::filesystem::path& folder);

/// Same for the files of a folder with an adapter (adapter_config.json and weights).
std::string adapter_fingerprint(const std::filesystem::path& folder);

}  // namespace ccexpert::io
