// Message of the Error that a call throws.
#pragma once

#include <string>

#include <ccexpert/core/error.h>

namespace ccexpert::test {

/// Returns what() of the ccexpert::Error that `call` throws, or "no error"; any other exception escapes and
/// fails the test.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace ccexpert::test
