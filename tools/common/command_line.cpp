#include "common/command_line.h"

#include <algorithm>
#include <charconv>
#include <regex>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/fields.h>

#include "common/completion.h"
#include "common/exit_code.h"
#include "common/manual_page.h"
#include "common/standard_streams.h"
#include "core/files.h"

namespace ccexpert::tools {
namespace {

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// Returns the named subcommand, or the program itself.
const CLI::App& chosen(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? app : *commands.front();
}

/// Returns the manual page with the first line of --version; empty if this program does not know its version.
std::string versioned_manual_page(const CLI::App& app, const CommonOptions& common) {
  const auto versions = common.version_text(app.get_name());
  return versions.empty() ? versions : manual_page(app, versions.substr(0, versions.find('\n')));
}

}  // namespace

void add_common_options(CLI::App& app, CommonOptions& common) {
  constexpr const char* kGroup = "Other";
  app.set_help_flag("-h,--help", "print this help")->group(kGroup);
  app.add_flag("--version", common.version, "print the versions of this program and its libraries")
      ->group(kGroup);
  app.add_option("--completion", common.completion, "print the completion script of a shell")
      ->check(CLI::IsMember(choices_of<Shell>()))
      ->type_name("NAME")
      ->group(kGroup);
  app.add_flag("--manual-page", common.manual_page, "print the manual page, for man -l -")->group(kGroup);
}

Leave parse_command_line(CLI::App& app, int count, const char* const* arguments, const CommonOptions& common,
                         const std::function<void()>& check) {
  const auto refuse = [&](std::string_view problem) {
    return Leave{kUsage, fmt::format("{0}: {1}\nSee {0} --help.", app.get_name(), problem)};
  };
  try {
    app.parse(count, arguments);
    if (common.version) return {kSuccess, common.version_text(app.get_name())};
    if (!common.completion.empty())
      return {kSuccess, completion_script(app, value_named<Shell>(common.completion).value())};
    if (common.manual_page) return {kSuccess, versioned_manual_page(app, common)};
    check();
  } catch (const CLI::CallForHelp&) {
    return {kSuccess, app.help()};
  } catch (const CLI::ParseError& error) {
    return refuse(usage_error(app, error));
  } catch (const Error& error) {
    return refuse(error.what());
  }
  return {};
}

void expect(bool holds, const std::string& message) {
  if (!holds) throw Error(message);
}

int print_leave(const Leave& leave) {
  const int exit_code = leave.exit_code.value_or(kSuccess);
  if (exit_code == kSuccess) {
    print_result(leave.text + "\n");
  } else {
    print_note(leave.text);
  }
  return exit_code;
}

namespace {

/// Converts CLI11's message about a value to our form of errors.
std::string value_error(std::string message) {
  // std::regex uses stack space for every character. A long value is in the middle of its sentence.
  constexpr size_t kHalf = 400;
  if (message.size() > 2 * kHalf) message.replace(kHalf, message.size() - 2 * kHalf, "...");
  static const std::pair<std::regex, const char*> forms[] = {
      {std::regex(R"((\S+): (.*) not in \{(.*)\})"), "$1: expected one of $3, got $2"},
      {std::regex(R"(Could not convert: (\S+) = (.*))"), "$1: expected a number, got $2"}};
  for (const auto& [form, ours] : forms) {
    if (std::regex_match(message, form)) return std::regex_replace(message, form, ours);
  }
  return message;
}

}  // namespace

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return value_error(error.what());
  const auto& command = chosen(app);
  const auto extras = command.remaining();
  const std::string first = extras.empty() ? "" : extras.front();
  if (!first.starts_with('-')) return fmt::format("unexpected argument '{}'", first);
  const auto name = first.substr(0, first.find('='));
  const auto nearest = nearest_name(name, long_names(command));
  return fmt::format("unknown option {}", name) +
         (nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest));
}

namespace {

/// Returns the problem of an option's value; "" if there is none.
std::string problem_of(const std::optional<Refusal>& refusal) {
  if (!refusal) return {};
  return fmt::format("expected {}, got {}", refusal->expected, refusal->got) +
         (refusal->hint.empty() ? "" : fmt::format(" ({})", refusal->hint));
}

}  // namespace

namespace {

/// CLI11 reads such a number in base 8.
bool has_leading_zero(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() > 1 && text.front() == '0';
}

}  // namespace

CLI::Validator whole_number(const Limits& limits) {
  return {[limits](const std::string& text) {
            if (has_leading_zero(text))
              return fmt::format("expected a whole number without leading zeros, got {}", text);
            int64_t value = 0;
            const auto* end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, value);
            const bool is_number = error == std::errc() && stop == end;
            return is_number ? problem_of(refusal_of(limits, value))
                             : fmt::format("expected a whole number, got {}", text);
          },
          "", "whole number"};
}

CLI::Validator fraction(const Limits& limits) {
  return {[limits](const std::string& text) {
            double value = 0.0;
            return CLI::detail::lexical_cast(text, value) ? problem_of(refusal_of(limits, value))
                                                          : fmt::format("expected a number, got {}", text);
          },
          "", "number"};
}

CLI::Validator word_check(const std::vector<std::string>& choices,
                          const std::function<std::optional<Refusal>(const std::string&)>& refusal) {
  return {[refusal](const std::string& text) { return problem_of(refusal(text)); },
          choices.empty() ? "" : fmt::format("{{{}}}", fmt::join(choices, ",")), "word"};
}

CLI::Validator some_text() {
  return {[](const std::string& text) { return text.empty() ? "expected some text, got none" : ""; }, "",
          "text"};
}

namespace {

constexpr const char* kStandardOutput = "/dev/stdout";

CLI::Validator stream_instead_of_dash(const char* stream) {
  return {[stream](std::string& name) {
            if (name == "-") name = stream;
            return std::string();
          },
          "", "file"};
}

}  // namespace

CLI::Validator input_file() {
  return stream_instead_of_dash("/dev/stdin");
}

CLI::Validator output_file() {
  return stream_instead_of_dash(kStandardOutput);
}

CLI::Validator named_output() {
  return {[](const std::string& name) {
            const bool is_stream = name == "-" || name == kStandardOutput;
            return is_stream ? fmt::format("expected the name of a file, got {}", name) : std::string();
          },
          "", "file"};
}

bool is_standard_output(const std::filesystem::path& path) {
  return path.empty() || path == kStandardOutput;
}

void write_result(const std::filesystem::path& path, std::string_view text) {
  is_standard_output(path) ? print_result(text) : write_file(path, text);
}

std::string option_name(std::string field_name) {
  std::replace(field_name.begin(), field_name.end(), '_', '-');
  return "--" + field_name;
}

}  // namespace ccexpert::tools
