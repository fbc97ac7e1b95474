// Folders of the source tree. Only paths.cpp contains them, so that ccache shares objects between two
// checkouts.
#pragma once

namespace ccexpert::test {

extern const char* const kTestData;   ///< tests/golden
extern const char* const kSourceDir;  ///< root of the tree

}  // namespace ccexpert::test
