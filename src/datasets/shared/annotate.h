/// Refinement and writing of captions by a language model on an OpenAI-compatible chat endpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <tuple>

#include <ccexpert/core/fields.h>

#include "datasets/shared/convert.h"

namespace ccexpert::datasets {

enum class AnnotateTask {
  kMerge,     ///< each new caption combines the content of all captions of the pair
  kRephrase,  ///< paraphrases of the captions
  kEnrich,    ///< corrections and refinements that use known facts (the paper's rewrite & refine)
  kDescribe,  ///< captions from the images and mask facts, in three turns (the paper's GPT-4o step)
};
constexpr auto names_of(AnnotateTask) {
  return std::to_array<Name<AnnotateTask>>({{AnnotateTask::kMerge, "merge"},
                                            {AnnotateTask::kRephrase, "rephrase"},
                                            {AnnotateTask::kEnrich, "enrich"},
                                            {AnnotateTask::kDescribe, "describe"}});
}

struct EndpointOptions {
  std::string base_url = {};  ///< without "/chat/completions"
  std::string model = {};
  std::string key = {};  ///< sent as a bearer token (empty: none); never shown or written
  int64_t concurrency = 4;
  int64_t retries = 6;
  /// Wait before the first retry; doubles with each retry, up to two minutes. A server's Retry-After takes
  /// precedence and ends the run if it is longer than two minutes.
  double backoff_seconds = 1.0;
  double timeout_seconds = 180.0;
  double temperature = 0.7;
  int64_t max_tokens = 1024;
  double price_in = 0.0;
  double price_out = 0.0;

  static constexpr auto fields() {
    using Self = EndpointOptions;
    return std::tuple{
        field("concurrency", &Self::concurrency, "concurrent requests", in_range(1, 256)),
        field("retries", &Self::retries, "retries after temporary failures such as status 429", at_least(0)),
        field("backoff", &Self::backoff_seconds,
              "seconds before the first retry; Retry-After takes precedence", at_least(0)),
        field("timeout", &Self::timeout_seconds, "timeout of a request in seconds", above(0)),
        field("temperature", &Self::temperature, "sampling temperature", at_least(0)),
        field("max_tokens", &Self::max_tokens, "maximum tokens of an answer", at_least(1)),
        field("price_in", &Self::price_in, "price of a million prompt tokens", at_least(0)),
        field("price_out", &Self::price_out, "price of a million answer tokens", at_least(0))};
  }
};

struct AnnotateOptions {
  std::filesystem::path list = {};
  std::filesystem::path output = {};
  std::filesystem::path journal = {};  ///< file of all paid answers (empty: OUTPUT.journal.jsonl)
  std::filesystem::path image_root = {};
  AnnotateTask task = AnnotateTask::kEnrich;
  EndpointOptions endpoint = {};
  int64_t captions = 5;
  bool keep = false;
  int64_t limit = 0;  ///< the rest stays unchanged
  int64_t image_side = 512;
  int64_t attempts = 3;
  /// Sends no further request that could exceed this cost, for this and earlier runs together (0: no limit);
  /// needs prices.
  double max_cost = 0.0;
  /// kSkip: a pair that is given up keeps its captions and is listed; kError: it ends the run.
  OnError on_error = OnError::kSkip;
  bool overwrite = false;

  static constexpr auto fields() {
    using Self = AnnotateOptions;
    return std::tuple{
        field("task", &Self::task, "enrich: rewrite and refine; describe: with images"),
        field("captions", &Self::captions, "new captions per pair", in_range(1, 20)),
        field("keep", &Self::keep, "keep the pair's own captions before the new ones"),
        field("limit", &Self::limit, "maximum pairs to annotate (0: all)", at_least(0)),
        field("max_cost", &Self::max_cost, "maximum cost of all runs of this command together (0: no limit)",
              at_least(0)),
        field("attempts", &Self::attempts, "unusable answers before a pair is given up", at_least(1)),
        field("image_side", &Self::image_side, "longer side of sent images",
              in_range(32, kUnlimited, "pixels")),
        field("on_error", &Self::on_error,
              "for a pair without a usable answer: keep its captions (skip) or stop (error)"),
        field("overwrite", &Self::overwrite, "replace an existing file")};
  }
};

struct AnnotateSummary {
  int64_t pairs = 0;
  int64_t annotated = 0;
  int64_t failed = 0;        ///< pairs given up; listed in OUTPUT.failures.jsonl
  int64_t no_pairs = 0;      ///< entries that are not pairs, left out; listed in OUTPUT.failures.jsonl
  int64_t unasked = 0;       ///< pairs beyond limit or max_cost
  int64_t requests = 0;      ///< answers paid for by this run
  int64_t from_journal = 0;  ///< answers paid for before, by an earlier run or an identical request
  int64_t retries = 0;
  int64_t unmetered = 0;      ///< paid answers without token counts, which are estimated
  int64_t prompt_tokens = 0;  ///< of all answers for this list, from any run
  int64_t answer_tokens = 0;
  int64_t earlier_tokens = 0;  ///< part of both that earlier runs paid for
  double cost = 0.0;           ///< cost of these tokens at the prices of options
  double earlier_cost = 0.0;
  bool limit_reached = false;  ///< max_cost left pairs without annotation
  bool interrupted = false;    ///< stop was requested; no list was written, the same call continues
};

/// Annotates every pair and writes a new list in the same order: `caption_source` becomes "model",
/// `annotator` records the model and the task, and `original_caption` keeps the old captions. An answer must
/// contain the requested number of captions, in words, and agree with change_flag; otherwise the model is
/// told the problem and asked again. Every answer is written to the journal before use: the same call reads
/// it from there, and identical requests are sent once. Entries that are not pairs are left out. Throws Error
/// if the endpoint refuses the key, the model or the address, or a file cannot be read or written.
AnnotateSummary annotate(const AnnotateOptions& options, const std::function<void(int64_t)>& done = {},
                         const std::stop_token& stop = {});

/// Describes what `annotate` would do, without sending requests: numbers of pairs and requests, estimated
/// tokens and cost, and the first request without its images.
std::string annotate_plan(const AnnotateOptions& options);

}  // namespace ccexpert::datasets
