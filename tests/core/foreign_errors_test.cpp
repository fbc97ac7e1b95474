#include "core/foreign_errors.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <ccexpert/core/error.h>

namespace ccexpert {
namespace {

void translated(const std::function<void()>& work) try { work(); } catch (...) {
  rethrow_as_error();
}

/// Error that arrives instead of what `work` throws; another exception escapes and fails the test.
std::optional<Error> error_from(const std::function<void()>& work) {
  try {
    translated(work);
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

struct Case {
  std::function<void()> work;
  std::string text;
  ErrorKind kind;
};

TEST(ForeignErrors, EveryForeignExceptionBecomesAnErrorOfItsKind) {
  namespace fs = std::filesystem;
  const std::string report = " (please report the command and its input)";
  const std::vector<Case> cases{
      {[] { throw std::bad_alloc(); }, "memory: not enough is free", ErrorKind::kResource},
      {[] { std::vector<int>().reserve(SIZE_MAX); }, "memory: not enough is free", ErrorKind::kResource},
      {[] { throw std::runtime_error("[enforce] DefaultCPUAllocator: can't allocate memory: you tried"); },
       "memory: not enough is free", ErrorKind::kResource},
      {[] { throw std::runtime_error("CUDA out of memory. Tried to allocate"); },
       "memory: not enough is free", ErrorKind::kResource},
      {[] {
         throw std::runtime_error("OpenCV(4.6.0) x: error: (-4:Insufficient memory) Failed to allocate");
       },
       "memory: not enough is free", ErrorKind::kResource},
      {[] { static_cast<void>(fs::file_size("/none")); },
       "/none: cannot be accessed (No such file or directory)", ErrorKind::kMissing},
      {[] { static_cast<void>(fs::file_size(fs::path("/") / std::string(300, 'x'))); },
       "/" + std::string(300, 'x') + ": cannot be accessed (File name too long)", ErrorKind::kInput},
      {[] { throw fs::filesystem_error("x", "/a", std::make_error_code(std::errc::permission_denied)); },
       "/a: cannot be accessed (Permission denied)", ErrorKind::kResource},
      {[] { throw fs::filesystem_error("x", std::make_error_code(std::errc::no_such_file_or_directory)); },
       "working folder: cannot be accessed (No such file or directory)", ErrorKind::kMissing},
      {[] { throw std::system_error(EAGAIN, std::generic_category(), "thread"); },
       "system: a request was refused (Resource temporarily unavailable)", ErrorKind::kResource},
      {[] { throw std::system_error(std::make_error_code(std::future_errc::no_state)); },
       "internal error: No associated state" + report, ErrorKind::kInternal},
      {[] {
         std::ifstream stream("/none");
         stream.exceptions(std::ios::failbit);
       },
       "stream: cannot be read or written", ErrorKind::kResource},
      {[] { nlohmann::json(3).get<std::string>(); }, "JSON: type must be string, but is number",
       ErrorKind::kInput},
      {[] { YAML::Load("a: [1"); }, "YAML: end of sequence flow not found (line 1)", ErrorKind::kInput},
      {[] { YAML::Load("x").as<int>(); }, "YAML: bad conversion (line 1)", ErrorKind::kInput},
      {[] { std::regex("("); }, "regular expression: Mismatched '(' and ')' in regular expression",
       ErrorKind::kInput},
      {[] { std::vector<int>().at(1); },
       "internal error: vector::_M_range_check: __n (which is 1) >= this->size() (which is 0)" + report,
       ErrorKind::kInternal},
      {[] { throw std::runtime_error("first\x1b[2J\nException raised from x.cpp"); },
       "internal error: first\\x1b[2J" + report, ErrorKind::kInternal},
      {[] { throw std::runtime_error("0 ASSERT FAILED at \"x\", please report a bug to PyTorch. reason"); },
       "internal error: reason" + report, ErrorKind::kInternal},
      {[] { throw std::runtime_error(""); }, "internal error: an exception without a text" + report,
       ErrorKind::kInternal}};
  for (const auto& [work, text, kind] : cases) {
    const auto error = error_from(work);
    ASSERT_TRUE(error) << text;
    EXPECT_EQ(error->what(), text);
    EXPECT_EQ(error->kind(), kind) << text;
  }
}

class Special : public Error {
 public:
  Special() : Error("ours", ErrorKind::kMissing) {}
};

TEST(ForeignErrors, AnErrorPassesWithItsType) {
  EXPECT_THROW(translated([] { throw Special(); }), Special);
}

TEST(ForeignErrors, AnExceptionOfTheCallersOwnTypePasses) {
  EXPECT_THROW(translated([] { throw 7; }), int);
}

TEST(ForeignErrors, NoExceptionIsNoError) {
  EXPECT_FALSE(error_from([] {}));
}

}  // namespace
}  // namespace ccexpert
