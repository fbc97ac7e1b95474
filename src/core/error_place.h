// The place of an error, put before its text.
#pragma once

#include <string_view>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert {

/// Returns the result of `work`. An Error of it leaves as "place: text" with the same kind; a Fault, which
/// no single place causes, leaves unchanged.
template <class Work>
decltype(auto) with_place(std::string_view place, Work&& work) {
  try {
    return work();
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    fail(place, error.what(), {}, error.kind());
  }
}

}  // namespace ccexpert
