// What two captions of two images differ in, as sentences about the change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// Sentences that say how the first description became the second: the words that differ, and both whole.
/// None where they do not differ.
std::vector<std::string> sentences_of_change(std::string_view before, std::string_view after);

}  // namespace ccexpert::datasets
