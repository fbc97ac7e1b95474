// Functions of Python that C++ calls during work without Python's lock.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <nanobind/nanobind.h>

namespace ccexpert::python {

/// Function of Python whose answer False, or whose exception, ends the work. The exception is kept for
/// `rethrow`.
class PythonCall {
 public:
  explicit PythonCall(std::optional<nanobind::callable> function) : function_(std::move(function)) {}

  explicit operator bool() const { return function_.has_value(); }

  /// Calls the function with the arguments that `make` returns, a tuple. Returns false if the work is to end.
  /// The caller does not hold the lock.
  template <class Make>
  bool operator()(const Make& make) {
    const nanobind::gil_scoped_acquire python;
    if (thrown_) return false;
    try {
      const nanobind::tuple arguments = make();
      const auto answer = function_.value()(*arguments);
      return answer.is_none() || nanobind::cast<bool>(nanobind::bool_(answer));
    } catch (nanobind::python_error& error) {
      thrown_ = std::make_unique<nanobind::python_error>(std::move(error));
      return false;
    }
  }

  /// Throws the exception of a call, if there was one. The caller holds the lock.
  void rethrow() {
    if (!thrown_) return;
    thrown_->restore();
    nanobind::raise_python_error();
  }

 private:
  std::optional<nanobind::callable> function_;
  std::unique_ptr<nanobind::python_error> thrown_;
};

}  // namespace ccexpert::python
