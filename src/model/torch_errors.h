// LibTorch's exceptions carry a stack trace and are not ours; callers see one type with one sentence.
#pragma once

#include <filesystem>
#include <new>
#include <string>
#include <string_view>

#include <c10/util/Exception.h>

#include <ccexpert/core/error.h>

namespace ccexpert {

/// What `work` returns; whatever it throws comes out as Error. `memory_hint` says what to do where memory is
/// short.
template <class Work>
auto with_one_error_type(std::string_view memory_hint, Work&& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    throw Error("LibTorch: " + text.substr(0, text.find('\n')));
  } catch (const std::filesystem::filesystem_error& error) {
    fail(error.path1().string(), "cannot be read", error.code().message());
  } catch (const std::bad_alloc&) {
    fail("memory", "not enough for this model and batch", memory_hint);
  }
}

}  // namespace ccexpert
