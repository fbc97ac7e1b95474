// Folders of the source tree. Only paths.cpp knows them, so that objects of two checkouts are the same to
// ccache.
#pragma once

namespace ccexpert::test {

extern const char* const kTestData;   ///< tests/data
extern const char* const kSourceDir;  ///< root of the tree

}  // namespace ccexpert::test
