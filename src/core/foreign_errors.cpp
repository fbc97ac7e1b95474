#include "core/foreign_errors.h"

#include <exception>
#include <filesystem>
#include <ios>
#include <new>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <yaml-cpp/exceptions.h>

#include <ccexpert/core/error.h>

#include "core/json.h"

namespace ccexpert {
namespace {

[[noreturn]] void fail_for_memory() {
  throw Fault("memory: not enough is free", ErrorKind::kResource);
}

/// LibTorch and OpenCV report exhausted memory by exceptions of a general type.
bool is_about_memory(std::string_view text) {
  const auto says = [&](std::string_view words) { return text.find(words) != std::string_view::npos; };
  return says("can't allocate memory") || says("out of memory") || says("Insufficient memory");
}

/// Returns the first line, without the place in LibTorch's sources.
std::string_view problem_in(std::string_view text) {
  constexpr std::string_view kReport = "please report a bug to PyTorch. ";
  text = text.substr(0, text.find('\n'));
  if (const auto report = text.find(kReport); report != std::string_view::npos)
    text.remove_prefix(report + kReport.size());
  return text;
}

[[noreturn]] void fail_internal(std::string_view text) {
  if (is_about_memory(text)) fail_for_memory();
  text = problem_in(text);
  if (text.empty()) text = "an exception without a text";
  throw Fault(fmt::format("internal error: {} (please report the command and its input)", text),
              ErrorKind::kInternal);
}

std::string named(const std::filesystem::path& path) {
  return path.empty() ? "working folder" : path.string();
}

[[noreturn]] void fail_system_error(const std::system_error& error) {
  const auto& category = error.code().category();
  if (category != std::generic_category() && category != std::system_category()) fail_internal(error.what());
  fail_system("system", "a request was refused", error.code().value());
}

[[noreturn]] void fail_yaml(const YAML::Exception& error) {
  fail("YAML", error.msg, error.mark.is_null() ? "" : fmt::format("line {}", error.mark.line + 1));
}

}  // namespace

void rethrow_as_error() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail_for_memory();
  } catch (const std::length_error&) {
    fail_for_memory();
  } catch (const std::filesystem::filesystem_error& error) {
    fail_system(named(error.path1()), "cannot be accessed", error.code().value());
  } catch (const std::ios_base::failure&) {
    fail("stream", "cannot be read or written", "", ErrorKind::kResource);
  } catch (const std::system_error& error) {
    fail_system_error(error);
  } catch (const nlohmann::json::exception& error) {
    fail("JSON", json_reason(error));
  } catch (const YAML::Exception& error) {
    fail_yaml(error);
  } catch (const std::regex_error& error) {
    fail("regular expression", error.what());
  } catch (const std::exception& error) {
    fail_internal(error.what());
  }
}

}  // namespace ccexpert
