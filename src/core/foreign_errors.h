// Conversion of exceptions of other libraries to Error, at the entries of this one.
#pragma once

#include <ccexpert/core/error.h>

namespace ccexpert {

/// Error that no single entry of a list causes: memory ran out, or the program has a fault. Code that passes
/// over entries with an Error must not pass over this one.
class Fault : public Error {
 public:
  using Error::Error;
};

/// Throws the exception that is being handled, as an Error unless it is one:
///   memory that ran out                                 resource, a Fault
///   a refusal by the system                             the kind of its errno
///   a value that JSON, YAML or a regular expression     input
///   cannot have
///   any other std::exception                            internal, a Fault
/// An exception of another type, which only a function given by the caller throws, passes. Every public
/// function that reads, writes, parses, converts or scores ends with `catch (...) { rethrow_as_error(); }`.
[[noreturn]] void rethrow_as_error();

}  // namespace ccexpert
