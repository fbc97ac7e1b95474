#include <array>
#include <cerrno>
#include <cstring>

#include <ccexpert/core/error.h>

#include "core/printable.h"

namespace ccexpert {
namespace {

ErrorKind kind_of(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::kMissing;
    case EACCES:
    case EPERM:
    case EROFS:
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case ENOMEM:
      return ErrorKind::kResource;
    default:
      return ErrorKind::kInput;
  }
}

}  // namespace

Error::Error(std::string_view text, ErrorKind kind)
    : std::runtime_error(joined_printable({&text, 1}, kLongestError)), kind_(kind) {}

void fail_expected(const Mismatch& mismatch) {
  const bool has_hint = !mismatch.hint.empty();
  const std::array<std::string_view, 8> parts{mismatch.what, ": expected ",      mismatch.expected,
                                              ", got ",      mismatch.got,       has_hint ? " (" : "",
                                              mismatch.hint, has_hint ? ")" : ""};
  throw Error(joined_printable(parts, kLongestError), mismatch.kind);
}

void fail(std::string_view what, std::string_view problem, std::string_view hint, ErrorKind kind) {
  const bool has_hint = !hint.empty();
  const std::array<std::string_view, 6> parts{
      what, ": ", problem, has_hint ? " (" : "", hint, has_hint ? ")" : ""};
  throw Error(joined_printable(parts, kLongestError), kind);
}

void fail_system(std::string_view what, std::string_view problem, int code) {
  fail(what, problem, std::strerror(code), kind_of(code));
}

}  // namespace ccexpert
