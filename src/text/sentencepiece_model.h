// Tokenizer of a tokenizer.model of sentencepiece, as LLaMA's, encoded by libsentencepiece.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/text/tokenizer.h>

#include "text/tokenizer_files.h"

namespace ccexpert::text {

/// Makes the tokenizer of a file's bytes. `added` are found in a text before any piece, as are control
/// pieces. Throws Error, naming `source`, for a damaged file and for a model of another kind than BPE without
/// normalisation.
std::unique_ptr<const Tokenizer> make_sentencepiece(std::string_view bytes, const std::string& source,
                                                    const std::vector<AddedToken>& added = {});

/// True if a folder has a tokenizer.model. Added tokens are those of tokenizer_config.json and
/// added_tokens.json, if these are there.
bool has_sentencepiece_model(const std::filesystem::path& folder);
std::unique_ptr<const Tokenizer> load_sentencepiece_model(const std::filesystem::path& folder);

}  // namespace ccexpert::text
