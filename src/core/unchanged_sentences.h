// Sentences that say of a pair that nothing has changed.
#pragma once

#include <array>
#include <string_view>

namespace ccexpert {

/// The five of LEVIR-CC, in its spelling.
inline constexpr std::array<std::string_view, 5> kUnchangedSentences{
    "the scene is the same as before .", "there is no difference .", "the two scenes seem identical .",
    "no change has occurred .", "almost nothing has changed ."};

}  // namespace ccexpert
