#include "quantize/quantize_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/data/pairs.h>
#include <ccexpert/image/decode.h>

#include "common/exit_code.h"
#include "common/option_group.h"
#include "common/progress.h"
#include "common/shard_size.h"
#include "core/files.h"
#include "core/folder_entries.h"
#include "generate/shared/quantize.h"
#include "versions/versions.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "ccexpert-quantize";

constexpr const char* kExamples = R"(Examples:
  ccexpert-quantize CCExpert-0.5b -o CCExpert-0.5b-int8
  ccexpert-quantize CCExpert-0.5b -o CCExpert-0.5b-int8 --pairs test.json --limit 16 --report errors.json
  ccexpert-quantize CCExpert-7b -o CCExpert-7b-int4 --weights int4
  ccexpert-caption --model CCExpert-0.5b-int8 before.png after.png

Exit codes: 0 done, 1 failed, 2 wrong arguments.)";

// The most and least exact matrices matter, and a model has hundreds.
constexpr size_t kShown = 10;

struct QuantizeCommand {
  fs::path model, output, pairs, image_root, report, logits;
  model::BlockWeights weights = model::BlockWeights::kInt8;
  int64_t limit = 8;
  bool beside_bfloat16 = false;
  double shard_mb = 5000.0;
  bool quiet = false;
};

void add_options(CLI::App& app, QuantizeCommand& command) {
  OptionGroup group(app);
  group.folder("model", command.model, "checkpoint folder to read")->type_name("MODEL");
  group.folder("-o,--output", command.output, "folder to write; empty, or not there yet");
  group.value(
      "--weights", command.weights,
      "int4: weights of the decoder's blocks in 4 bits with a scale for each 32 inputs, the rest in 8 bits");
  group.input("--pairs", command.pairs,
              "list of image pairs: errors of each product, and of the logits of their captions");
  group.folder("--image-root", command.image_root,
               "folder of the list's relative paths (default: the list's)");
  group.value("--limit", command.limit, "number of pairs to use, the first of the list", in_range(1, 10'000));
  group.named_output("--report", command.report, "write the errors of all matrices as JSON");
  group.named_output("--logits", command.logits, "write the agreement of the logits with float32 as JSON");
  group.flag("--beside-bfloat16", command.beside_bfloat16,
             "also compare the logits of the model in bfloat16 with float32");
  group.value("--shard-mb", command.shard_mb, "largest size of one file of weights", kShardMegabytes)
      ->type_name("MB");
  group.flag("-q,--quiet", command.quiet, "print only errors");
}

void check(const CLI::App& app, const QuantizeCommand& command) {
  if (command.model.empty()) throw Error("MODEL: expected a checkpoint folder, got none");
  if (command.output.empty()) throw Error("--output: expected a folder, got none");
  for (const char* name : {"--image-root", "--limit", "--logits", "--beside-bfloat16"}) {
    if (command.pairs.empty() && app.count(name) > 0) throw Error(std::string(name) + " requires --pairs");
  }
}

/// Sample pairs with their pixels.
struct Samples {
  std::vector<image::Image> images;
  std::vector<ImagePair> pairs;
};

Samples read_samples(const QuantizeCommand& command) {
  Samples samples;
  if (command.pairs.empty()) return samples;
  auto files = data::read_pair_list(command.pairs, command.image_root);
  files.resize(std::min(files.size(), static_cast<size_t>(command.limit)));
  for (const auto& pair : files) {
    samples.images.push_back(image::decode_image(pair.before));
    samples.images.push_back(image::decode_image(pair.after));
  }
  for (size_t i = 0; i < samples.images.size(); i += 2)
    samples.pairs.push_back({samples.images[i].view(), samples.images[i + 1].view()});
  return samples;
}

double shown_error(const generate::MatrixError& error) {
  return error.output.value_or(error.weights);
}

std::string table_of(std::vector<generate::MatrixError> errors, model::BlockWeights weights) {
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto& a, const auto& b) { return shown_error(a) > shown_error(b); });
  const size_t shown = std::min(kShown, errors.size());
  auto table = fmt::format("{} matrices in {} bits; the {} with the largest relative errors:\n{:>9} {:>9}\n",
                           errors.size(), weights == model::BlockWeights::kInt4 ? "8 and 4" : "8", shown,
                           "weights", "output");
  for (const auto& each : std::span(errors).first(shown)) {
    const auto output = each.output ? fmt::format("{:.4f}", *each.output) : std::string("-");
    table += fmt::format("{:9.4f} {:>9} {}\n", each.weights, output, each.name);
  }
  return table;
}

std::string json_of(const std::vector<generate::MatrixError>& errors) {
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  for (const auto& each : errors) {
    nlohmann::ordered_json row{{"name", each.name}, {"weights", each.weights}};
    if (each.output) row["output"] = *each.output;
    report.push_back(std::move(row));
  }
  return report.dump(2) + "\n";
}

std::string line_of(const char* what, const std::optional<generate::LogitAgreement>& logits) {
  if (!logits) return {};
  return fmt::format(
      "{} of {} tokens: cosine with float32 at least {:.5f}, {:.5f} on average; the same first choice for "
      "{:.1f} %\n",
      what, logits->tokens, logits->least_cosine, logits->mean_cosine, 100.0 * logits->same_choice);
}

nlohmann::ordered_json values_of(const generate::LogitAgreement& logits) {
  return {{"tokens", logits.tokens},
          {"least_cosine", logits.least_cosine},
          {"mean_cosine", logits.mean_cosine},
          {"same_choice", logits.same_choice}};
}

/// The agreement of the quantised model, and in "bfloat16" that of the model in bfloat16.
std::string logits_json(const generate::QuantizeReport& report) {
  auto values = values_of(report.logits.value());
  if (report.bfloat16_logits) values["bfloat16"] = values_of(*report.bfloat16_logits);
  return values.dump(2) + "\n";
}

int run(const QuantizeCommand& command) {
  for (const auto& file : {command.report, command.logits}) {
    if (!file.empty()) expect_writable(file);
  }
  expect_free_folder(command.output);
  const auto samples = read_samples(command);
  std::unique_ptr<Progress> progress;
  generate::QuantizeRequest request{.from = command.model,
                                    .to = command.output,
                                    .samples = samples.pairs,
                                    .beside_bfloat16 = command.beside_bfloat16,
                                    .blocks = command.weights,
                                    .shard_mb = command.shard_mb};
  request.progress = [&](int64_t, int64_t all) {
    if (!progress) {
      progress = std::make_unique<Progress>(
          all, "tensors", command.quiet ? ProgressStyle::kNone : progress_style_of_stderr());
    }
    progress->add(1);
  };
  const auto report = generate::quantize_checkpoint(request);
  progress.reset();
  if (!command.report.empty()) write_file(command.report, json_of(report.matrices));
  if (report.logits && !command.logits.empty()) write_file(command.logits, logits_json(report));
  if (!command.quiet) {
    write_result({}, table_of(report.matrices, command.weights) + line_of("logits", report.logits) +
                         line_of("logits in bfloat16", report.bfloat16_logits));
  }
  return kSuccess;
}

}  // namespace

int run_quantize_command(int count, const char* const* arguments) {
  CommonOptions common{.version_text = version_text};
  QuantizeCommand command;
  CLI::App app("Writes a model with weights of 8 or 4 bits, for captions on a CPU.", kName);
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_options(app, command);
  add_common_options(app, common);
  const auto leave = parse_command_line(app, count, arguments, common, [&] { check(app, command); });
  return leave.exit_code ? print_leave(leave) : run(command);
}

}  // namespace ccexpert::tools
