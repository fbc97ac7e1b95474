// ccexpert-data annotate.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/option_group.h"
#include "common/progress.h"
#include "common/standard_streams.h"
#include "data/subcommand.h"
#include "datasets/shared/annotate.h"

namespace ccexpert::tools {
namespace {

using datasets::AnnotateOptions;
using datasets::AnnotateSummary;

constexpr const char* kFooter =
    R"(From the environment: OPENAI_BASE_URL, OPENAI_MODEL, and the key OPENAI_API_KEY (or the variable of --key-env).
The same command continues a killed run: every answer is in the journal, none is paid for twice.
Exit code 3: done, but some pairs kept their old captions, some entries are not pairs, or --max-cost was reached.)";

struct Command {
  AnnotateOptions options;
  std::string key_variable = "OPENAI_API_KEY";
  bool dry_run = false;
  bool quiet = false;
};

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

void add_endpoint_options(OptionGroup& group, Command& command) {
  auto& endpoint = command.options.endpoint;
  group.text("--base-url", endpoint.base_url, "address before /chat/completions (OPENAI_BASE_URL)", "URL");
  group.text("--model", endpoint.model, "name of the model (OPENAI_MODEL)", "NAME");
  group.text("--key-env", command.key_variable, "environment variable with the key", "NAME")
      ->capture_default_str();
  group.fields(endpoint);
}

void add_options(CLI::App& app, Command& command) {
  auto& options = command.options;
  OptionGroup group(app);
  app.set_help_flag("-h,--help", "print this help");
  group.input("list", options.list, "list of the universal format");
  group.named_output("-o,--out", options.output, "list to write");
  group.fields(options);
  group.folder("--image-root", options.image_root, "folder that relative paths start at (the list's folder)");
  group.named_output("--journal", options.journal, "file of paid answers (OUT.journal.jsonl)");
  add_endpoint_options(group, command);
  group.flag("--dry-run", command.dry_run,
             "print the planned requests and their estimated cost; send nothing");
  group.flag("-q,--quiet", command.quiet, "print no progress and no counts");
}

/// Fills options that the command line leaves to the environment.
void check(Command& command) {
  auto& endpoint = command.options.endpoint;
  if (command.options.list.empty()) throw Error("expected a list of the universal format, got none");
  if (command.options.output.empty() && !command.dry_run) throw Error("--out: expected a file, got none");
  if (endpoint.base_url.empty()) endpoint.base_url = environment("OPENAI_BASE_URL");
  if (endpoint.model.empty()) endpoint.model = environment("OPENAI_MODEL");
  if (endpoint.base_url.empty())
    throw Error("--base-url: expected the address of an endpoint, or OPENAI_BASE_URL");
  if (endpoint.model.empty()) throw Error("--model: expected the name of a model, or OPENAI_MODEL");
  while (endpoint.base_url.ends_with('/')) endpoint.base_url.pop_back();
  endpoint.key = environment(command.key_variable);
}

void print(const AnnotateSummary& summary) {
  fmt::print("{} of {} pairs annotated", with_commas(summary.annotated), with_commas(summary.pairs));
  if (summary.failed > 0) fmt::print(", {} given up", with_commas(summary.failed));
  if (summary.no_pairs > 0)
    fmt::print(", {} entries that are not pairs left out", with_commas(summary.no_pairs));
  if (summary.unasked > 0) fmt::print(", {} not requested", with_commas(summary.unasked));
  fmt::print("\n{} answers, {} from the journal, {} retries; {} prompt and {} answer tokens",
             with_commas(summary.requests), with_commas(summary.from_journal), with_commas(summary.retries),
             with_commas(summary.prompt_tokens), with_commas(summary.answer_tokens));
  if (summary.cost > 0) fmt::print("; cost {:.4f}", summary.cost);
  if (summary.earlier_tokens > 0) {
    fmt::print(" (earlier runs: {} tokens", with_commas(summary.earlier_tokens));
    if (summary.cost > 0) fmt::print(", {:.4f}", summary.earlier_cost);
    fmt::print(")");
  }
  fmt::print("\n");
  if (summary.unmetered > 0)
    fmt::print("{} answers came without token counts, which are estimated\n", with_commas(summary.unmetered));
}

/// Reports why some pairs have no new captions, and returns the exit code.
int report(const AnnotateSummary& summary, const AnnotateOptions& options) {
  if (summary.limit_reached) {
    print_note(
        fmt::format("ccexpert-data: --max-cost: {} pairs not requested; {:.4f} of {} is spent, and another "
                    "answer may exceed it",
                    with_commas(summary.unasked), summary.cost, options.max_cost));
  }
  if (summary.failed + summary.no_pairs > 0) {
    print_note(fmt::format(
        "ccexpert-data: {} pairs kept their captions, {} entries are not pairs, see {}.failures.jsonl",
        with_commas(summary.failed), with_commas(summary.no_pairs), options.output.string()));
  }
  return summary.limit_reached || summary.failed + summary.no_pairs > 0 ? kSomeFailed : kSuccess;
}

/// Maximum duration of a request.
std::chrono::seconds longest_request(const datasets::EndpointOptions& endpoint) {
  return std::chrono::seconds(std::llround(std::ceil(endpoint.timeout_seconds)));
}

int run(const Command& command) {
  if (command.dry_run) {
    fmt::print("{}", datasets::annotate_plan(command.options));
    return kSuccess;
  }
  // Answers in flight are paid for.
  const Interrupt interrupt(kStopDeadline + longest_request(command.options.endpoint));
  Progress progress(0, "pairs", command.quiet ? ProgressStyle::kNone : progress_style_of_stderr());
  const auto summary = datasets::annotate(
      command.options, [&](int64_t count) { progress.add(count); }, interrupt.token());
  progress.finish();
  if (!command.quiet) print(summary);
  if (summary.interrupted) {
    print_note(fmt::format("ccexpert-data: interrupted; the same command continues without paying again"));
    return kSignalBase + interrupt.signal();
  }
  return report(summary, command.options);
}

}  // namespace

Subcommand add_annotate(CLI::App& app) {
  const auto command = std::make_shared<Command>();
  auto* annotate = app.add_subcommand("annotate", "refine or write captions with a model on a chat endpoint");
  annotate->footer(kFooter);
  add_options(*annotate, *command);
  return {annotate, [command] { check(*command); }, [command] { return run(*command); }};
}

}  // namespace ccexpert::tools
