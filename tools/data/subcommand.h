// Commands of ccexpert-data, each with its options, check and work.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace ccexpert::tools {

struct Subcommand {
  CLI::App* app;
  std::function<void()> check;  ///< throws Error for incompatible options
  std::function<int()> run;     ///< returns the exit code; throws Error
};

Subcommand add_convert(CLI::App& app);
Subcommand add_mix(CLI::App& app);
Subcommand add_stats(CLI::App& app);
Subcommand add_validate(CLI::App& app);
Subcommand add_overlap(CLI::App& app);
Subcommand add_split(CLI::App& app);
Subcommand add_sample(CLI::App& app);
Subcommand add_merge(CLI::App& app);
Subcommand add_view(CLI::App& app);
Subcommand add_annotate(CLI::App& app);
Subcommand add_merge_minigpt4(CLI::App& app);

/// Adds a flag without a value that sets `value` to false.
void add_off_flag(CLI::App& app, const std::string& name, bool& value, const std::string& help);

/// Formats a number as "12,345".
std::string with_commas(int64_t number);

}  // namespace ccexpert::tools
