#include "common/manual_page.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/option_entries.h"

namespace ccexpert::tools {
namespace {

/// Returns text of which roff reads no character as a request or as another character.
std::string roff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-' || c == '~' || c == '^') {
      result += c == '-' ? "\\-" : c == '~' ? "\\(ti" : "\\(ha";
    } else if (c == '\'' || c == '`') {
      result += c == '`' ? "\\(ga" : "\\(aq";
    } else {
      result += c;
    }
  }
  return result.starts_with('.') ? "\\&" + result : result;
}

std::string bold(std::string_view text) {
  return fmt::format("\\fB{}\\fR", roff(text));
}

std::string section(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  return fmt::format(".SH {}\n", roff(name));
}

std::vector<std::string> lines_of(const std::string& text) {
  return CLI::detail::split(text, '\n');
}

/// Returns lines that keep their breaks.
std::string verbatim(const std::vector<std::string>& lines) {
  std::string text = ".nf\n";
  for (auto line : lines) text += roff(CLI::detail::ltrim(line)) + "\n";
  return text + ".fi\n";
}

/// Returns the forms of the command line, without "Usage:". `program` is the command of a subcommand.
std::vector<std::string> usage_of(const CLI::App& app, const std::string& program = {}) {
  constexpr std::string_view kUsage = "Usage: ";
  const auto help = app.help(program);
  const auto start = help.find(kUsage);
  if (start == std::string::npos) return {app.get_name()};
  const auto from = start + kUsage.size();
  auto lines = lines_of(help.substr(from, help.find("\n\n", from) - from));
  std::erase_if(lines, [](const std::string& line) { return line.empty(); });
  return lines;
}

/// Returns an option or an argument as a tagged paragraph.
std::string paragraph(const OptionEntry& entry) {
  auto names = entry.short_names;
  names.insert(names.end(), entry.long_names.begin(), entry.long_names.end());
  for (auto& name : names) name = bold(name);
  auto tag = fmt::format("{}", fmt::join(names, ", "));
  if (!entry.value.empty()) tag += (names.empty() ? "" : " ") + fmt::format("\\fI{}\\fR", roff(entry.value));
  auto text = fmt::format(".TP\n{}\n{}", tag, roff(entry.description));
  if (!entry.choices.empty()) text += roff(fmt::format(" (one of {})", fmt::join(entry.choices, ", ")));
  if (!entry.default_value.empty()) text += roff(fmt::format(" [default: {}]", entry.default_value));
  if (!entry.environment.empty()) text += roff(fmt::format(" [environment: {}]", entry.environment));
  return text + "\n";
}

/// Returns the arguments, and the options under the titles of their groups.
std::string options_of(const CLI::App& app, bool titles) {
  std::string text, group;
  for (const auto& entry : argument_entries(app)) text += paragraph(entry);
  for (const auto& entry : option_entries(app)) {
    if (titles && entry.group != group) text += fmt::format(".SS {}\n", roff(entry.group));
    group = entry.group;
    text += paragraph(entry);
  }
  return text;
}

/// Returns the paragraphs of a footer, each as its lines.
std::vector<std::vector<std::string>> paragraphs_of(const std::string& footer) {
  std::vector<std::vector<std::string>> paragraphs(1);
  for (auto& line : lines_of(footer)) {
    if (!line.empty()) {
      paragraphs.back().push_back(std::move(line));
    } else if (!paragraphs.back().empty()) {
      paragraphs.emplace_back();
    }
  }
  if (paragraphs.back().empty()) paragraphs.pop_back();
  return paragraphs;
}

/// Returns what follows the options in the help of a program, in sections.
std::string sections_of(const CLI::App& app) {
  constexpr std::string_view kCodes = "Exit codes: ";
  std::string examples, codes, notes;
  for (auto lines : paragraphs_of(app.get_footer())) {
    if (lines.front() == "Examples:") {
      lines.erase(lines.begin());
      examples += section("examples") + verbatim(lines);
      continue;
    }
    const auto text = fmt::format("{}", fmt::join(lines, " "));
    if (text.starts_with(kCodes)) {
      codes += section("exit status") + roff(text.substr(kCodes.size())) + "\n";
    } else {
      notes += (notes.empty() ? section("notes") : ".PP\n") + roff(text) + "\n";
    }
  }
  return notes + codes + examples;
}

/// Returns what follows the options in the help of a subcommand.
std::string notes_of(const CLI::App& app) {
  std::string notes;
  for (const auto& lines : paragraphs_of(app.get_footer()))
    notes += ".PP\n" + roff(fmt::format("{}", fmt::join(lines, " "))) + "\n";
  return notes;
}

std::string commands_of(const CLI::App& app) {
  std::string text;
  for (const auto* command : subcommands(app)) {
    text += fmt::format(".SH {} {}\n", roff(app.get_name()), roff(command->get_name()));
    text += roff(command->get_description()) + "\n.PP\n" + verbatim(usage_of(*command, app.get_name()));
    text += options_of(*command, false) + notes_of(*command);
  }
  return text;
}

std::string see_also(const CLI::App& app) {
  std::vector<std::string> pages;
  for (const char* name :
       {"ccexpert-caption", "ccexpert-data", "ccexpert-eval", "ccexpert-quantize", "ccexpert-train"}) {
    if (app.get_name() != name) pages.push_back(bold(name) + "(1)");
  }
  return section("see also") + fmt::format("{}\n", fmt::join(pages, ", "));
}

/// Returns the description as the one line of NAME: a clause without its full stop.
std::string summary_of(const CLI::App& app) {
  auto text = app.get_description();
  while (!text.empty() && (text.back() == '.' || text.back() == '\n')) text.pop_back();
  if (!text.empty()) text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

}  // namespace

std::string manual_page(const CLI::App& app, std::string_view version) {
  auto title = app.get_name();
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return std::toupper(c); });
  return fmt::format(".TH {} 1 \"\" \"{}\" \"ccexpert\"\n", roff(title), roff(version)) + section("name") +
         fmt::format("{} \\- {}\n", roff(app.get_name()), roff(summary_of(app))) + section("synopsis") +
         verbatim(usage_of(app)) + section("description") + roff(app.get_description()) + "\n" +
         section("options") + options_of(app, true) + commands_of(app) + sections_of(app) + see_also(app);
}

}  // namespace ccexpert::tools
