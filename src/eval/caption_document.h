// Parser of caption files that are a single JSON object.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "eval/shared/caption_files.h"

namespace ccexpert::eval {

/// Parses the text as one object, on one line or several; returns nothing for a list and for JSON Lines.
/// Throws Error for an object that is not valid JSON.
std::optional<nlohmann::json> as_object(std::string_view text, const std::string& source);

/// True for captions by the name of their pair, as in pycocoevalcap: {"id": ["a caption"]}, {"id": "a
/// caption"} or {"id": [{"caption": "a caption"}]}. An object that has a key for the name of its pair and one
/// for its captions, or only such keys, is an entry of a list instead.
bool is_caption_dictionary(const nlohmann::json& object);

/// Returns one entry per name, with its captions as references. Throws Error, with `source` and the name, for
/// a value without captions.
std::vector<CaptionEntry> dictionary_entries(const nlohmann::json& object, const std::string& source,
                                             const char* hint = "");

}  // namespace ccexpert::eval
