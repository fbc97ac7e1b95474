// Errors of ccexpert as Python exceptions.
#pragma once

#include <exception>

#include <nanobind/nanobind.h>

#include <ccexpert/core/error.h>

namespace ccexpert::python {

/// Word of an error's kind, as in Python's `Error.kind`.
constexpr const char* word_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInput:
      return "input";
    case ErrorKind::kMissing:
      return "missing";
    case ErrorKind::kResource:
      return "resource";
    case ErrorKind::kInternal:
      break;
  }
  return "internal";
}

/// Throws ccexpert's errors as instances of `type`, a Python class that is made from a message and a kind.
inline void translate_errors(const nanobind::object& type) {
  nanobind::register_exception_translator(
      [](const std::exception_ptr& thrown, void* payload) {
        try {
          std::rethrow_exception(thrown);
        } catch (const Error& error) {
          const nanobind::handle made(static_cast<PyObject*>(payload));
          PyErr_SetObject(made.ptr(), made(error.what(), word_of(error.kind())).ptr());
        }
      },
      type.inc_ref().ptr());
}

}  // namespace ccexpert::python
