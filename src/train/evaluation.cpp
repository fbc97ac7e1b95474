#include "train/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/image/decode.h>
#include <ccexpert/text/prompt.h>

#include "core/foreign_errors.h"
#include "runtime/staging.h"
#include "train/agreement.h"
#include "train/loss.h"
#include "train/packed.h"
#include "train/run_data.h"
#include "train/sample_json.h"

namespace ccexpert::train {
namespace {

using nlohmann::ordered_json;

/// Normalises a caption for comparison: lower case, letters, digits and single blanks.
std::string plain(const std::string& caption) {
  std::string text;
  for (const char c : caption) {
    const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::isalnum(static_cast<unsigned char>(lower)) != 0) {
      text += lower;
    } else if (!text.empty() && text.back() != ' ') {
      text += ' ';
    }
  }
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

std::vector<std::string> captions_of_unchanged(const std::vector<data::ChangeExample>& pairs) {
  std::vector<std::string> captions;
  for (const auto& pair : pairs) {
    if (pair.changed.value_or(true)) continue;
    for (const auto& caption : pair.captions) captions.push_back(plain(caption));
  }
  std::sort(captions.begin(), captions.end());
  captions.erase(std::unique(captions.begin(), captions.end()), captions.end());
  return captions;
}

double score_of(const NamedScores& scores, std::string_view metric) {
  const auto found =
      std::find_if(scores.begin(), scores.end(), [&](const auto& score) { return score.first == metric; });
  return found == scores.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

/// Refuses a config value that the checkpoint's generation_config.json makes ineffective.
void expect_effect(const generate::GenerationOptions& asked, const generate::DecodingConfig& decoding) {
  if (!asked.length_penalty || decoding.beams > 1) return;
  fail_expected({"evaluation.generation.length_penalty", "nothing, as one beam is used",
                 fmt::format("{}", *asked.length_penalty)});
}

/// Numbers of an evaluation that are summed over ranks.
struct Totals {
  double caption_loss = 0.0;  ///< sum over tokens
  int64_t tokens = 0;
  int64_t pairs = 0;
  int64_t judged = 0;  ///< captions of pairs with a known change flag
  int64_t right = 0;
  int64_t skipped = 0;

  static constexpr auto fields() {
    return std::tuple{&Totals::caption_loss, &Totals::tokens, &Totals::pairs,
                      &Totals::judged,       &Totals::right,  &Totals::skipped};
  }
};

/// Returns the rows of a tensor on any device.
at::Tensor rows_of(const at::Tensor& tensor, const std::vector<int64_t>& rows) {
  return tensor.index_select(0, runtime::staged(at::tensor(rows, at::kLong), tensor.device()));
}

/// Reads all losses at once: each reading waits for the device.
void add_means(const std::vector<CaptionLoss>& losses, Totals& totals) {
  if (losses.empty()) return;
  std::vector<at::Tensor> means;
  for (const auto& loss : losses) means.push_back(loss.mean);
  const auto values = at::stack(means).to(at::kCPU, at::kDouble);
  for (size_t i = 0; i < losses.size(); ++i) {
    totals.caption_loss += values.const_data_ptr<double>()[i] * static_cast<double>(losses[i].tokens);
    totals.tokens += losses[i].tokens;
  }
}

}  // namespace

struct Evaluator::Sums {
  Totals totals;
  ordered_json samples = ordered_json::array();
  ordered_json captions = ordered_json::array();  ///< (index of the pair, caption) of every caption
};

bool larger_is_better(Metric metric) {
  return metric != Metric::kLoss;
}

bool is_better(Metric metric, double score, const std::optional<double>& best) {
  if (!std::isfinite(score)) return false;
  return !best || (larger_is_better(metric) ? score > *best : score < *best);
}

Evaluator::Evaluator(const RunModel& run, const TrainConfig& config, distributed::Communicator& communicator)
    : run_(run),
      config_(config),
      communicator_(communicator),
      decoding_(run.decoding(config.evaluation.generation)) {
  if (config.data.validation.empty()) return;
  expect_effect(config.evaluation.generation, decoding_);
  if (decoding_.mbr > 0)
    agreement_ = std::make_unique<eval::CaptionScorer>(
        eval::CaptionScorerOptions{.metric = decoding_.mbr_metric, .meteor_data = {}});
  pairs_ = read_examples(config.data.validation, config);
  unchanged_ = captions_of_unchanged(pairs_);
  const auto most = static_cast<size_t>(config.evaluation.max_pairs);
  if (most > 0 && pairs_.size() > most) pairs_.resize(most);
  if (config.evaluation.metric != Metric::kLoss)
    scores_ = std::make_unique<CaptionScores>(config.evaluation.metric);
  if (config.evaluation.metric != Metric::kChangeAccuracy) return;
  const bool flagged =
      std::any_of(pairs_.begin(), pairs_.end(), [](const auto& pair) { return pair.changed; });
  if (!flagged || unchanged_.empty()) {
    fail_expected({"evaluation.metric",
                   "another metric, or validation pairs with change_flag, some of them unchanged",
                   fmt::format("change_accuracy with {}, which has none", config.data.validation)});
  }
}

Evaluator::Pairs Evaluator::own_pairs() const {
  Pairs own;
  const auto ranks = static_cast<size_t>(communicator_.size());
  for (auto i = static_cast<size_t>(communicator_.rank()); i < pairs_.size(); i += ranks)
    own.push_back(&pairs_[i]);
  return own;
}

std::optional<EvaluationLine> Evaluator::run(int64_t step, const RunControl& control) {
  const auto start = std::chrono::steady_clock::now();
  const at::NoGradGuard no_grad;
  Sums sums;
  const auto own = own_pairs();
  const auto size = static_cast<size_t>(config_.evaluation.batch_size);
  const auto most = (pairs_.size() + static_cast<size_t>(communicator_.size()) - 1) /
                    static_cast<size_t>(communicator_.size());  // largest number of pairs of a rank
  // Every rank runs the same number of rounds, since the ranks agree in each round whether to continue.
  for (size_t first = 0; first < most; first += size) {
    if (on_any_rank(communicator_, control.stop.stop_requested(), device())) return std::nullopt;
    const auto begin = own.begin() + static_cast<std::ptrdiff_t>(std::min(own.size(), first));
    const auto end = own.begin() + static_cast<std::ptrdiff_t>(std::min(own.size(), first + size));
    if (run_.shards) run_.shards->begin_requests();
    if (begin != end) evaluate(Pairs(begin, end), control, sums);
    if (run_.shards) run_.shards->end_requests();
  }
  auto line = line_of(sums, step);
  line.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return line;
}

EvaluationLine Evaluator::line_of(const Sums& sums, int64_t step) const {
  const auto totals = sum_over_ranks(sums.totals, communicator_, device());
  const auto share = [](double part, int64_t whole) {
    return part / std::max(1.0, static_cast<double>(whole));
  };
  EvaluationLine line;
  line.step = step;
  line.metric = config_.evaluation.metric;
  line.pairs = totals.pairs;
  line.caption_loss = share(totals.caption_loss, totals.tokens);
  line.skipped = totals.skipped;
  line.scores = score_captions(sums);
  if (scores_)
    line.scores.emplace_back("change_accuracy", share(static_cast<double>(totals.right), totals.judged));
  line.scores.emplace_back("loss", line.caption_loss);
  line.score =
      std::isfinite(line.caption_loss) ? score_of(line.scores, name_of(line.metric)) : line.caption_loss;
  for (const auto& samples : gather_json(communicator_, sums.samples, "samples of a rank")) {
    for (const auto& sample : samples) line.samples.push_back(to_sample(sample));
  }
  return line;
}

/// Scores the captions of all ranks on every rank, in the order of the pairs. This takes milliseconds, and no
/// rank waits.
NamedScores Evaluator::score_captions(const Sums& sums) const {
  if (!scores_) return {};
  std::map<size_t, std::string> captions;  // none for pairs that were left out
  for (const auto& own : gather_json(communicator_, sums.captions, "captions of a rank")) {
    for (const auto& caption : own) captions[caption[0].get<size_t>()] = caption[1];
  }
  if (captions.empty()) return {};
  std::vector<eval::CaptionedPair> samples;
  for (const auto& [place, caption] : captions) {
    const auto& pair = pairs_[place];
    samples.push_back(
        {.uid = pair.uid, .prediction = caption, .references = pair.captions, .changed = pair.changed});
  }
  return scores_->score(samples);
}

void Evaluator::leave_out(const data::ChangeExample& pair, const std::string& problem, Sums& sums) {
  if (config_.data.unreadable == Unreadable::kError) fail(fmt::format("pair '{}'", pair.uid), problem);
  ++sums.totals.skipped;
  if (reported_.insert(&pair).second)
    log::warning(fmt::format("left out of the evaluation: pair '{}': {}", pair.uid, problem));
}

void Evaluator::evaluate(const Pairs& batch, const RunControl& control, Sums& sums) {
  auto readable = batch;
  control.enter(RunPhase::kInput);
  const auto pixels = readable_pixels(readable, sums);
  control.enter(RunPhase::kWork);
  if (readable.empty()) return;
  const auto images = run_.model->encode_images(runtime::staged(pixels, device()).to(run_.model->options()));
  add_losses(readable, images.tokens, sums);
  // A model with a non-finite loss generates nothing useful, and the score will be non-finite too.
  if (std::isfinite(sums.totals.caption_loss)) add_captions(readable, images.tokens, sums);
  sums.totals.pairs += static_cast<int64_t>(readable.size());
}

at::Tensor Evaluator::readable_pixels(Pairs& batch, Sums& sums) {
  std::vector<std::string> problems(2 * batch.size());
  const auto write = [&](int64_t i, std::span<float> slot) {
    const auto& pair = *batch[static_cast<size_t>(i / 2)];
    try {
      image::preprocess(image::decode_image(i % 2 == 0 ? pair.before : pair.after).view(), run_.preprocess,
                        slot);
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      problems[static_cast<size_t>(i)] = error.what();
    }
  };
  const auto pixels = generate::load_pixels(2 * std::ssize(batch), run_.preprocess.size, write);
  Pairs readable;
  std::vector<int64_t> kept;
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto& problem = problems[2 * i].empty() ? problems[2 * i + 1] : problems[2 * i];
    if (!problem.empty()) {
      leave_out(*batch[i], problem, sums);
      continue;
    }
    readable.push_back(batch[i]);
    kept.push_back(static_cast<int64_t>(i));
  }
  batch = std::move(readable);
  // [2B,3,P,P] of the readable pairs
  return pixels.unflatten(0, {-1, 2}).index_select(0, at::tensor(kept, at::kLong)).flatten(0, 1);
}

void Evaluator::add_losses(const Pairs& batch, const at::Tensor& tokens, Sums& sums) {
  std::vector<CaptionLoss> losses;
  size_t most = 0;
  for (const auto* pair : batch) most = std::max(most, pair->captions.size());
  for (size_t caption = 0; caption < most; ++caption) {
    std::vector<std::vector<int64_t>> ids, labels;
    std::vector<int64_t> images;  // of the pairs with this many captions
    for (size_t i = 0; i < batch.size(); ++i) {
      if (caption >= batch[i]->captions.size()) continue;
      auto example = text::encode_training_example(
          *run_.tokenizer, {run_.question, batch[i]->captions[caption]}, config_.data.labels, run_.prompt);
      const auto length = text::spliced_length(example.ids, tokens.size(1));
      if (length > config_.data.max_tokens) {
        leave_out(*batch[i],
                  fmt::format("expected at most {} tokens, got {}", config_.data.max_tokens, length), sums);
        continue;
      }
      ids.push_back(std::move(example.ids));
      labels.push_back(std::move(example.labels));
      for (const int64_t date : {0, 1}) images.push_back(static_cast<int64_t>(2 * i) + date);
    }
    if (ids.empty()) continue;
    const auto chosen = rows_of(tokens, images);
    const auto sequences =
        lengthened({run_.model->splice(ids, chosen).embeddings, splice_labels(ids, labels, tokens.size(1))},
                   length_step(tokens.device()));
    const auto hidden = run_.model->decoder().forward(sequences.embeddings);
    losses.push_back(caption_loss(run_.model->decoder(), hidden, sequences.labels));
  }
  add_means(losses, sums.totals);
}

bool Evaluator::wants_caption(const data::ChangeExample& pair) const {
  if (config_.evaluation.metric != Metric::kLoss) return true;
  return &pair - pairs_.data() < config_.evaluation.samples;
}

std::string Evaluator::caption_of(const generate::GeneratedSequence& sequence) const {
  return one_line(run_.tokenizer->decode(generate::text_ids(sequence, decoding_)));
}

size_t Evaluator::best_candidate(std::span<const generate::GeneratedSequence> candidates) const {
  std::vector<std::string> texts;
  for (const auto& candidate : candidates) texts.push_back(caption_of(candidate));
  return generate::least_risk(candidates, texts,
                              [this](const std::string& caption, const std::string& other) {
                                return agreement_->score(caption, {other});
                              });
}

void Evaluator::add_captions(const Pairs& batch, const at::Tensor& tokens, Sums& sums) const {
  std::vector<int64_t> images;
  Pairs wanted;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!wants_caption(*batch[i])) continue;
    wanted.push_back(batch[i]);
    for (const int64_t date : {0, 1}) images.push_back(static_cast<int64_t>(2 * i) + date);
  }
  if (wanted.empty()) return;
  const auto chosen = rows_of(tokens, images);
  const std::vector<std::vector<int64_t>> ids(
      wanted.size(), text::encode_prompt(*run_.tokenizer, run_.question, run_.prompt));
  const auto generated =
      generate::decode(run_.model->decoder(), run_.model->splice(ids, chosen),
                       {.decoding = decoding_, .on_token = {}, .stop = {}, .choose = [&](const auto& each) {
                          return best_candidate(each);
                        }});
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto& pair = *wanted[i];
    const auto caption = caption_of(generated[i]);
    sums.captions.push_back({&pair - pairs_.data(), caption});
    if (pair.changed) {
      const bool says_unchanged = std::binary_search(unchanged_.begin(), unchanged_.end(), plain(caption));
      ++sums.totals.judged;
      sums.totals.right += says_unchanged != *pair.changed ? 1 : 0;
    }
    if (&pair - pairs_.data() < config_.evaluation.samples) {
      sums.samples.push_back(to_json({pair.uid, pair.before, pair.after, caption, pair.captions}));
    }
  }
}

}  // namespace ccexpert::train
