// Sentences about the difference between the captions of two images.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// Returns sentences about the change from the first description to the second, with the words that differ
/// and with both descriptions. Empty if they do not differ.
std::vector<std::string> sentences_of_change(std::string_view before, std::string_view after);

}  // namespace ccexpert::datasets
