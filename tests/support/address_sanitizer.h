// Whether a test runs under AddressSanitizer, by GCC or clang.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CCEXPERT_HAS_ADDRESS_SANITIZER
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define CCEXPERT_HAS_ADDRESS_SANITIZER
#endif

#ifdef CCEXPERT_HAS_ADDRESS_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

namespace ccexpert::test {

#ifdef CCEXPERT_HAS_ADDRESS_SANITIZER
constexpr bool kHasAddressSanitizer = true;
/// While it lives, what this thread allocates and never frees is no finding.
using LeaksAreForeign = __lsan::ScopedDisabler;
#else
constexpr bool kHasAddressSanitizer = false;
struct LeaksAreForeign {
  LeaksAreForeign() {}  // so that a variable of it is not unused
};
#endif

}  // namespace ccexpert::test
