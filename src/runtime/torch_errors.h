// Conversion of LibTorch's exceptions, which carry a stack trace, to one error type with one sentence.
#pragma once

#include <new>
#include <string>
#include <string_view>

#include <c10/util/Exception.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::runtime {

/// True if memory ran out. LibTorch's allocators report this by a type on GPUs, by a text on CPUs.
inline bool is_out_of_memory(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string_view(error.what_without_backtrace()).find("can't allocate memory") !=
             std::string_view::npos;
}

/// Returns the first line of a LibTorch message, without the place in LibTorch's sources.
inline std::string torch_problem(std::string_view text) {
  constexpr std::string_view kReport = "please report a bug to PyTorch. ";
  text = text.substr(0, text.find('\n'));
  if (const auto report = text.find(kReport); report != std::string_view::npos)
    text.remove_prefix(report + kReport.size());
  return std::string(text.empty() ? "an assertion failed" : text);
}

[[noreturn]] inline void fail_for_memory(std::string_view hint) {
  fail("memory", "not enough for this model and batch", hint, ErrorKind::kResource);
}

/// Returns the result of `work`; converts every exception to Error. `memory_hint` gives the remedy if memory
/// runs out.
template <class Work>
auto with_one_error_type(std::string_view memory_hint, Work&& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) fail_for_memory(memory_hint);
    fail("internal error", torch_problem(error.what_without_backtrace()),
         "LibTorch refused a computation: please report the command and the model", ErrorKind::kInternal);
  } catch (const std::bad_alloc&) {
    fail_for_memory(memory_hint);
  } catch (const Fault& fault) {
    if (fault.kind() == ErrorKind::kResource) fail_for_memory(memory_hint);
    throw;
  } catch (...) {
    rethrow_as_error();
  }
}

}  // namespace ccexpert::runtime
