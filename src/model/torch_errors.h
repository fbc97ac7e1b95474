// LibTorch's exceptions carry a stack trace and are not ours; callers see one type with one sentence.
#pragma once

#include <filesystem>
#include <new>
#include <string>
#include <string_view>

#include <c10/util/Exception.h>

#include <ccexpert/core/error.h>

namespace ccexpert {

/// LibTorch's allocators tell a lack of memory by a type on GPUs, by a text on CPUs.
inline bool is_out_of_memory(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string_view(error.what_without_backtrace()).find("can't allocate memory") !=
             std::string_view::npos;
}

[[noreturn]] inline void fail_for_memory(std::string_view hint) {
  fail("memory", "not enough for this model and batch", hint);
}

/// What `work` returns; whatever it throws comes out as Error. `memory_hint` says what to do where memory is
/// short.
template <class Work>
auto with_one_error_type(std::string_view memory_hint, Work&& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) fail_for_memory(memory_hint);
    const std::string text = error.what_without_backtrace();
    throw Error("LibTorch: " + text.substr(0, text.find('\n')));
  } catch (const std::filesystem::filesystem_error& error) {
    fail(error.path1().string(), "cannot be read", error.code().message());
  } catch (const std::bad_alloc&) {
    fail_for_memory(memory_hint);
  }
}

}  // namespace ccexpert
