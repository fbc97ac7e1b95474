#include "train/evaluation.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>
#include <ccexpert/text/prompt.h>
#include <ccexpert/train/loss.h>

#include "generate/search.h"
#include "train/run_data.h"

namespace ccexpert::train {
namespace {

using Pairs = std::vector<const data::ChangeExample*>;
using nlohmann::json;

/// A caption as it is compared: lower case, letters, digits and single blanks.
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

/// A caption of a model that has not learnt yet may hold line breaks.
std::string one_line(std::string caption) {
  std::replace_if(
      caption.begin(), caption.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  caption.erase(0, std::min(caption.find_first_not_of(' '), caption.size()));
  while (caption.ends_with(' ')) caption.pop_back();
  return caption;
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

json to_json(const SampleCaption& sample) {
  return {{"uid", sample.uid},
          {"before", sample.before.string()},
          {"after", sample.after.string()},
          {"caption", sample.caption},
          {"references", sample.references}};
}

SampleCaption to_sample(const json& object) {
  return {object["uid"], object["before"].get<std::string>(), object["after"].get<std::string>(),
          object["caption"], object["references"]};
}

double score_of(const NamedScores& scores, const std::string& metric) {
  const auto found =
      std::find_if(scores.begin(), scores.end(), [&](const auto& score) { return score.first == metric; });
  return found == scores.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

std::string_view question_of(const TrainConfig& config) {
  return config.data.question.empty() ? text::kReferenceQuestion : std::string_view(config.data.question);
}

}  // namespace

struct Evaluator::Sums {
  double loss = 0.0;
  int64_t tokens = 0;
  int64_t pairs = 0;
  int64_t judged = 0;  ///< captions of pairs that are known to have changed or not
  int64_t right = 0;
  json samples = json::array();
  json captions = json::array();  ///< (place of the pair, caption) of every caption
};

bool larger_is_better(const std::string& metric) {
  return metric != "loss";
}

Evaluator::Evaluator(const RunModel& run, const TrainConfig& config, distributed::Communicator& communicator)
    : run_(run), config_(config), communicator_(communicator) {
  if (config.data.validation.empty()) return;
  pairs_ = read_examples(config.data.validation, config);
  const auto most = static_cast<size_t>(config.evaluation.max_pairs);
  if (most > 0 && pairs_.size() > most) pairs_.resize(most);
  unchanged_ = captions_of_unchanged(pairs_);
  if (config.evaluation.metric != "loss") scores_ = std::make_unique<CaptionScores>(config.evaluation.metric);
}

Pairs Evaluator::own_pairs() const {
  Pairs own;
  const auto ranks = static_cast<size_t>(communicator_.size());
  for (auto i = static_cast<size_t>(communicator_.rank()); i < pairs_.size(); i += ranks)
    own.push_back(&pairs_[i]);
  return own;
}

EvaluationLine Evaluator::run(int64_t step) const {
  const auto start = std::chrono::steady_clock::now();
  const at::NoGradGuard no_grad;
  Sums sums;
  const auto own = own_pairs();
  const auto size = static_cast<size_t>(config_.evaluation.batch_size);
  for (size_t first = 0; first < own.size(); first += size) {
    const auto last = std::min(own.size(), first + size);
    evaluate(Pairs(own.begin() + static_cast<std::ptrdiff_t>(first),
                   own.begin() + static_cast<std::ptrdiff_t>(last)),
             sums);
  }
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  auto shared = at::tensor({sums.loss, number(sums.tokens), number(sums.pairs), number(sums.judged),
                            number(sums.right)},
                           at::kDouble)
                    .to(run_.model->options().device());
  communicator_.all_reduce_sum(shared);
  const auto values = shared.to(at::kCPU);
  const auto value = [&](int64_t index) { return values[index].item<double>(); };
  EvaluationLine line;
  line.step = step;
  line.metric = config_.evaluation.metric;
  line.pairs = static_cast<int64_t>(value(2));
  line.loss = value(0) / std::max(1.0, value(1));
  line.scores = score_captions(sums);
  if (scores_) line.scores.emplace_back("change_accuracy", value(4) / std::max(1.0, value(3)));
  line.scores.emplace_back("loss", line.loss);
  line.score = score_of(line.scores, line.metric);
  for (const auto& text : communicator_.gather_text(sums.samples.dump())) {
    for (const auto& sample : json::parse(text)) line.samples.push_back(to_sample(sample));
  }
  line.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return line;
}

/// All ranks score the captions of all ranks, in the order of the pairs: in milliseconds, and nobody waits.
NamedScores Evaluator::score_captions(const Sums& sums) const {
  if (!scores_) return {};
  std::vector<eval::Sample> samples;
  for (const auto& pair : pairs_)
    samples.push_back(
        {.uid = pair.uid, .prediction = {}, .references = pair.captions, .changed = pair.changed});
  for (const auto& text : communicator_.gather_text(sums.captions.dump())) {
    for (const auto& said : json::parse(text)) samples[said[0].get<size_t>()].prediction = said[1];
  }
  return scores_->score(samples);
}

void Evaluator::evaluate(const Pairs& batch, Sums& sums) const {
  const auto images = run_.model->encode_images(load_pixels(batch));
  add_losses(batch, images.tokens, sums);
  add_captions(batch, images.tokens, sums);
  sums.pairs += static_cast<int64_t>(batch.size());
}

at::Tensor Evaluator::load_pixels(const Pairs& batch) const {
  const int64_t size = run_.preprocess.size;
  const auto images = static_cast<int64_t>(2 * batch.size());
  const auto pixels = at::empty({images, 3, size, size}, at::kFloat);
  const auto plane = static_cast<size_t>(3 * size * size);
  float* data = pixels.mutable_data_ptr<float>();
  at::parallel_for(0, images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto& pair = *batch[static_cast<size_t>(i / 2)];
      const auto image = decode_image(i % 2 == 0 ? pair.before : pair.after);
      preprocess(image.view(), run_.preprocess, {data + static_cast<size_t>(i) * plane, plane});
    }
  });
  return pixels.to(run_.model->options());
}

void Evaluator::add_losses(const Pairs& batch, const at::Tensor& tokens, Sums& sums) const {
  const auto style =
      config_.data.labels == "reference" ? text::LabelStyle::kReference : text::LabelStyle::kCaptionOnly;
  size_t most = 0;
  for (const auto* pair : batch) most = std::max(most, pair->captions.size());
  for (size_t caption = 0; caption < most; ++caption) {
    std::vector<std::vector<int64_t>> ids, labels;
    std::vector<int64_t> images;  // of the pairs that have this many captions
    for (size_t i = 0; i < batch.size(); ++i) {
      if (caption >= batch[i]->captions.size()) continue;
      auto example = text::encode_training_example(*run_.tokenizer, question_of(config_),
                                                   batch[i]->captions[caption], style);
      ids.push_back(std::move(example.ids));
      labels.push_back(std::move(example.labels));
      for (const int64_t date : {0, 1}) images.push_back(static_cast<int64_t>(2 * i) + date);
    }
    const auto chosen = tokens.index_select(0, at::tensor(images, at::kLong).to(tokens.device()));
    const auto hidden = run_.model->decoder().forward(run_.model->splice(ids, chosen).embeddings);
    const auto loss = token_loss(run_.model->decoder(), hidden, splice_labels(ids, labels, tokens.size(1)));
    sums.loss += loss.mean.item<double>() * static_cast<double>(loss.tokens);
    sums.tokens += loss.tokens;
  }
}

bool Evaluator::wants_caption(const data::ChangeExample& pair) const {
  if (config_.evaluation.metric != "loss") return true;
  return &pair - pairs_.data() < config_.evaluation.samples;
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
  const auto chosen = tokens.index_select(0, at::tensor(images, at::kLong).to(tokens.device()));
  const std::vector<std::vector<int64_t>> ids(wanted.size(),
                                              text::encode_prompt(*run_.tokenizer, question_of(config_)));
  const auto& options = config_.evaluation.generation;
  DecoderSequences sequences(run_.model->decoder(), run_.model->splice(ids, chosen), options.max_new_tokens);
  const SearchRequest request{
      .options = options, .stop_ids = text::stop_token_ids(*run_.tokenizer), .on_token = {}, .stop = {}};
  const auto generated = options.beams > 1 ? beam_search(sequences, request) : sample(sequences, request);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto& pair = *wanted[i];
    const auto caption = one_line(run_.tokenizer->decode(generated[i].ids));
    sums.captions.push_back({&pair - pairs_.data(), caption});
    if (pair.changed) {
      const bool says_unchanged = std::binary_search(unchanged_.begin(), unchanged_.end(), plain(caption));
      ++sums.judged;
      sums.right += says_unchanged != *pair.changed ? 1 : 0;
    }
    if (&pair - pairs_.data() < config_.evaluation.samples) {
      sums.samples.push_back(to_json({pair.uid, pair.before, pair.after, caption, pair.captions}));
    }
  }
}

}  // namespace ccexpert::train
