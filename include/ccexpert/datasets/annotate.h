/// Captions refined or written by a language model behind an OpenAI-compatible chat endpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include <ccexpert/datasets/convert.h>

namespace ccexpert::datasets {

enum class AnnotateTask {
  kMerge,     ///< what all captions of a pair say, in each of the new ones
  kRephrase,  ///< the same in other words
  kEnrich,  ///< corrected and refined, with what is known beside the captions (the paper's rewrite & refine)
  kDescribe,  ///< written from the images and the facts of a mask, in three turns (the paper's GPT-4o step)
};

/// Throws Error for a name other than merge, rephrase, enrich and describe.
AnnotateTask annotate_task(const std::string& name);

struct EndpointOptions {
  std::string base_url = {};  ///< up to and without "/chat/completions"
  std::string model = {};
  std::string key = {};     ///< sent as a bearer token (empty: none); never shown or written
  int64_t concurrency = 4;  ///< requests at one time
  int64_t retries = 6;      ///< of one request, after refusals that pass (429, 5xx, no connection)
  /// Before the first retry; doubles with each, up to two minutes. A server's Retry-After wins, and ends the
  /// run where it is longer than that.
  double backoff_seconds = 1.0;
  double timeout_seconds = 180.0;  ///< of one request
  double temperature = 0.7;
  int64_t max_tokens = 1024;  ///< of one answer
  double price_in = 0.0;      ///< of a million prompt tokens
  double price_out = 0.0;     ///< of a million answer tokens
};

struct AnnotateOptions {
  std::filesystem::path list = {};
  std::filesystem::path output = {};
  std::filesystem::path journal = {};  ///< every paid answer (empty: output with .journal.jsonl behind it)
  std::filesystem::path image_root = {};
  AnnotateTask task = AnnotateTask::kEnrich;
  EndpointOptions endpoint = {};
  int64_t captions = 5;      ///< new captions of a pair
  bool keep = false;         ///< the pair's own captions stay before the new ones
  int64_t limit = 0;         ///< most pairs that are asked about (0: all); the rest stays as it is
  int64_t image_side = 512;  ///< longer side of the images that are sent, in pixels
  int64_t attempts = 3;      ///< answers of one pair that may be unusable before it is given up
  /// Asks no more where this might be exceeded, by this and earlier runs together (0: no limit); needs
  /// prices.
  double max_cost = 0.0;
  OnError on_error =
      OnError::kSkip;  ///< a pair that is given up keeps its captions and is listed, or ends the run
  bool overwrite = false;
};

struct AnnotateSummary {
  int64_t pairs = 0;
  int64_t annotated = 0;
  int64_t failed = 0;        ///< given up; they are in OUTPUT.failures.jsonl
  int64_t no_pairs = 0;      ///< entries that are left out, as they are no pair; in OUTPUT.failures.jsonl too
  int64_t unasked = 0;       ///< beyond limit or max_cost
  int64_t requests = 0;      ///< answers that this run paid for
  int64_t from_journal = 0;  ///< answers that were paid for already, by an earlier run or an equal request
  int64_t retries = 0;
  int64_t unmetered = 0;      ///< paid answers without their tokens, which are estimated
  int64_t prompt_tokens = 0;  ///< of all answers for this list, whichever run paid for them
  int64_t answer_tokens = 0;
  int64_t earlier_tokens = 0;  ///< prompt and answer tokens of them that earlier runs paid for
  double cost = 0.0;           ///< of these tokens, by the prices of options
  double earlier_cost = 0.0;
  bool limit_reached = false;  ///< max_cost left pairs unasked
  bool interrupted = false;    ///< stop was requested; no list was written, the same call goes on
};

/// Asks about every pair and writes the list anew, in its order: `caption_source` becomes "model", the model
/// and the task go into `annotator`, and what was there stays as `original_caption`. An answer must be as
/// many captions as asked, in one language of words, and agree with change_flag; else the model is told what
/// is wrong and asked again. Every answer is in the journal before it is used: the same call takes it from
/// there, and equal requests are sent once. Entries that are no pair are left out. Throws Error where the
/// endpoint refuses the key, the model or the address, or a file cannot be read or written.
AnnotateSummary annotate(const AnnotateOptions& options, const std::function<void(int64_t)>& done = {},
                         std::stop_token stop = {});

/// What `annotate` would do, without asking: numbers of pairs and requests, tokens and cost as far as they
/// can be told before, and the first request with its images left out.
std::string annotate_plan(const AnnotateOptions& options);

}  // namespace ccexpert::datasets
