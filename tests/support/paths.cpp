#include "support/paths.h"

namespace ccexpert::test {

const char* const kTestData = CCEXPERT_TEST_DATA;
const char* const kSourceDir = CCEXPERT_SOURCE_DIR;

}  // namespace ccexpert::test
