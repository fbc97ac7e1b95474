// Options of a command line, added in groups of the help. Names and limits of a value give its check, its
// help and the choices that a shell completes, in the words that YAML files use.
#pragma once

#include <filesystem>
#include <string>
#include <type_traits>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/fields.h>

#include "common/command_line.h"

namespace ccexpert::tools {

/// Type of a number that may be unset or one of several.
template <class Value>
struct NumberOf {
  using Type = Value;
};
template <class Value>
requires requires {
  typename Value::value_type;
}
struct NumberOf<Value> {
  using Type = Value::value_type;
};

class OptionGroup {
 public:
  explicit OptionGroup(CLI::App& app, std::string name = "Options") : app_(app), name_(std::move(name)) {}

  /// Adds an option for an enum, a number or another value with limits; the default is shown unless it is
  /// unset.
  template <class Value>
  CLI::Option* value(const std::string& names, Value& value, const std::string& help,
                     const Limits& limits = {}) {
    if constexpr (Worded<Value>) {
      return word(names, value, help, limits);
    } else {
      return number(names, value, help, limits);
    }
  }

  /// Adds the option of a field, or a flag if it is true or false.
  template <class Config, class Value>
  CLI::Option* field(const Field<Config, Value>& field, Config& config) {
    auto& member = config.*field.member;
    if constexpr (std::is_same_v<Value, bool>)
      return flag(option_name(field.name), member, field.help);
    else
      return value(option_name(field.name), member, field.help, field.limits);
  }

  /// Adds the option of each field.
  template <class Config>
  void fields(Config& config) {
    for_each_field<Config>([&](const auto& each) { field(each, config); });
  }

  CLI::Option* flag(const std::string& names, bool& value, const std::string& help) {
    return app_.add_flag(names, value, help)->group(name_);
  }
  CLI::Option* text(const std::string& names, std::string& value, const std::string& help,
                    const std::string& type = "TEXT") {
    return app_.add_option(names, value, help)->type_name(type)->group(name_);
  }
  CLI::Option* folder(const std::string& names, std::filesystem::path& value, const std::string& help) {
    return path(names, value, help, "DIR");
  }
  CLI::Option* file(const std::string& names, std::filesystem::path& value, const std::string& help) {
    return path(names, value, help, "FILE");
  }
  /// Adds a file to read; "-" is standard input.
  CLI::Option* input(const std::string& names, std::filesystem::path& value, const std::string& help,
                     const std::string& type = "FILE") {
    return path(names, value, help, type)->transform(input_file());
  }
  /// Adds a file to write; "-" is standard output.
  CLI::Option* output(const std::string& names, std::filesystem::path& value, const std::string& help) {
    return path(names, value, help, "FILE")->transform(output_file());
  }
  /// Adds a file to write, other than standard output.
  CLI::Option* named_output(const std::string& names, std::filesystem::path& value, const std::string& help) {
    return path(names, value, help, "FILE")->check(tools::named_output());
  }
  /// Adds an option that may be given several times, each time with one value.
  template <class Values>
  CLI::Option* repeated(const std::string& names, Values& values, const std::string& help,
                        const std::string& type) {
    return app_.add_option(names, values, help)->allow_extra_args(false)->type_name(type)->group(name_);
  }

 private:
  CLI::Option* path(const std::string& names, std::filesystem::path& value, const std::string& help,
                    const std::string& type) {
    return app_.add_option(names, value, help)->type_name(type)->group(name_);
  }

  /// Returns the value with this text form; "" names none, also if it is the name of an unset option.
  template <class Value>
  static std::optional<Value> given(const std::string& text, const Limits& limits) {
    return text.empty() ? std::nullopt : value_of<Value>(text, limits);
  }

  template <class Value>
  CLI::Option* word(const std::string& names, Value& value, const std::string& help, const Limits& limits) {
    const auto set = [&value, limits](const std::string& text) {
      if (const auto parsed = given<Value>(text, limits)) value = *parsed;
    };
    std::string forms;
    if constexpr (HasText<Value>) forms = fmt::format("; {}", Value::kForms);
    auto* option =
        app_.add_option_function<std::string>(names, set, help + forms)->type_name("NAME")->group(name_);
    std::vector<std::string> choices;
    if constexpr (Named<Value>) choices = choices_of<Value>(limits);
    option->check(word_check(choices, [limits](const std::string& text) {
      return given<Value>(text, limits) ? std::nullopt : std::optional(refused_text<Value>(text, limits));
    }));
    return option->default_str(text_of(value));
  }

  template <class Value>
  CLI::Option* number(const std::string& names, Value& value, const std::string& help, const Limits& limits) {
    using Number = NumberOf<Value>::Type;
    const auto range = in_words(limits);
    auto* option = app_.add_option(names, value, range.empty() ? help : help + "; " + range);
    option->check(std::is_integral_v<Number> ? whole_number(limits) : fraction(limits));
    if constexpr (std::is_same_v<Number, Value>) option->capture_default_str();
    return option->type_name("N")->group(name_);
  }

  CLI::App& app_;
  std::string name_;
};

}  // namespace ccexpert::tools
