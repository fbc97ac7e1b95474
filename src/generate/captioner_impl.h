// Work of a captioner and of its conversations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/generate/loaded_model.h>
#include <ccexpert/model/kv_cache.h>

#include "core/change_calibration.h"
#include "generate/caption_stream.h"
#include "generate/change_evidence.h"
#include "generate/fixed_steps.h"
#include "generate/ngram_drafter.h"
#include "generate/opened_model.h"
#include "generate/prompt_start.h"
#include "generate/sequence_model.h"
#include "generate/shared/decode.h"
#include "generate/shared/feature_cache.h"
#include "generate/stopwatch.h"
#include "generate/word_attention.h"
#include "model/shared/int8_model.h"

namespace ccexpert::generate {

/// Token ids of a prompt for each pair.
using Prompts = std::vector<std::vector<int64_t>>;

/// Image tokens that the decoder sees.
struct SeenTokens {
  at::Tensor tokens = {};   ///< [2B,N,H], or fewer than N
  at::Tensor patches = {};  ///< [B,K] that the tokens of patches are; undefined: all
};

/// Results about pairs that the next question can use.
struct KeptPrompts {
  SeenTokens images;         ///< without tokens before the first question
  double keep_tokens = 1.0;  ///< share of all image tokens that these are
  Prompts ids = {};          ///< of the last question
  std::optional<model::KvCache> cache =
      {};  ///< with their keys and values; nothing before the first question
};

/// Prompts about encoded pairs.
struct Question {
  DecodingConfig decoding;
  Prompts prompts;
  const CaptionOptions& options;
  std::function<void()> between = {};  ///< as in SearchRequest
};

class Captioner::Impl {
 public:
  /// `link`: that of the first of several parts, or null.
  Impl(const OpenedModel& opened, const PartLink* link);

  std::vector<Caption> caption(std::span<const ImagePair> pairs, const CaptionOptions& options) const;

  /// Returns the question that the options ask about pairs with these questions of their own. Throws Error
  /// for options that contradict each other.
  Question question_of(const std::vector<std::string>& own, const CaptionOptions& options) const;
  /// Encodes images by vision transformer and Diff Expert. Returns nothing after a stop.
  std::optional<EncodedPairs> encode(std::span<const ImagePair> pairs, const std::stop_token& stop) const;
  /// Same for prepared pixels [2B,3,P,P], before and after alternating.
  std::optional<EncodedPairs> encode(const at::Tensor& pixels, const std::stop_token& stop) const;
  /// Resizes and normalises a pair on this thread: returns pixels [2,3,P,P].
  at::Tensor pixels_of(const image::ImageView& before, const image::ImageView& after) const;
  /// Answers about encoded pairs. `kept`, if not null, has the results of the question before, and then those
  /// of this one.
  std::vector<Caption> answer(const EncodedPairs& pairs, const Question& question, KeptPrompts* kept) const;
  /// Returns the changes of encoded pairs.
  std::vector<LocatedChange> locate(const EncodedPairs& pairs) const;
  /// Returns the tokens of encoded pairs that the decoder sees. `kept` as in `answer`.
  SeenTokens tokens_of(const model::ImageTokens& images, double keep_tokens, KeptPrompts* kept) const;
  /// Prefills the prompts of a question. `kept` as in `answer`.
  DecoderSequences prefill(const SeenTokens& images, const Question& question, KeptPrompts* kept) const;
  Caption to_caption(const GeneratedSequence& sequence, const DecodingConfig& decoding) const;
  /// Adds the changes that the options ask for.
  void add_changes(std::vector<Caption>& captions, const EncodedPairs& pairs,
                   const CaptionOptions& options) const;
  /// Adds the maps of words. `prompts` has keys and values of the prompts, with room for the captions.
  void add_words(std::vector<Caption>& captions, const EncodedPairs& pairs, const Question& question,
                 const model::KvCache& prompts) const;

  void learn_drafts(std::span<const std::string> captions) const;

  DecodingConfig decoding(const GenerationOptions& options) const { return loaded_.decoding(options); }
  const std::string& question() const { return loaded_.question; }
  bool has_diff_expert() const { return model_config().diff_expert.has_value(); }
  std::string description() const;
  CaptionerTimings timings() const;
  const std::string& engine() const { return engine_; }
  const std::optional<ChangeCalibration>& calibration() const { return calibration_; }
  const LoadedModel& loaded() const { return loaded_; }
  const model::ModelConfig& model_config() const { return loaded_.model->config(); }
  Stopwatch& stopwatch() const { return stopwatch_; }
  bool leads() const { return leads_; }

 private:
  void warn_of_stop_ids(const DecodingConfig& decoding) const;
  at::Tensor pixels_of(std::span<const ImagePair> pairs) const;
  std::vector<at::Tensor> features_of(const at::Tensor& pixels) const;
  Prompts prompts_of(const std::vector<std::string>& own, std::string_view question) const;
  void expect_share(double keep_tokens) const;
  /// Returns a map with no values yet.
  ChangeMap empty_map() const;
  ImagePlaces places_of(const EncodedPairs& pairs, double keep_tokens) const;
  std::vector<Caption> checked(std::span<const ImagePair> pairs, const CaptionOptions& options) const;
  std::vector<Caption> decode(const EncodedPairs& pairs, const Question& question, KeptPrompts* kept) const;
  /// Returns how many tokens of each prompt are in the prefix of an int8 model.
  std::vector<int64_t> tokens_in_prefix(const Prompts& prompts) const;
  /// Returns a cache with the first `start[b]` tokens of each prompt: `held`, if it is not null, else a new
  /// one.
  model::KvCache cache_of(const std::vector<int64_t>& start, int64_t capacity, KeptPrompts* held) const;
  /// Returns the positions [B,tokens] of prompts with some patches after their first `start[b]` tokens.
  at::Tensor positions_of(const SeenTokens& images, const Prompts& ids, const std::vector<int64_t>& start,
                          int64_t tokens) const;
  SearchRequest search_request(const DecodingConfig& decoding, const CaptionOptions& options,
                               std::vector<CaptionStream>& streams) const;
  std::vector<GeneratedSequence> generate(DecoderSequences& prompts, const SearchRequest& request,
                                          int64_t draft_tokens) const;
  std::string text_of(const GeneratedSequence& sequence, const DecodingConfig& decoding) const;

  mutable Stopwatch stopwatch_;
  bool int8_;
  bool leads_;                  // the first of several parts
  model::BlockWeights blocks_;  // of an int8 model
  std::string engine_;
  mutable FeatureCache features_;
  LoadedModel loaded_;
  std::optional<ChangeCalibration> calibration_;
  std::unique_ptr<FixedSteps> steps_;  // null: none on this device
  std::optional<PromptStart> start_;   // of an int8 model, in its dtype
  mutable NgramDrafter drafter_;
};

/// Returns the questions of pairs that have their own, and empty ones for the others.
std::vector<std::string> own_questions(std::span<const ImagePair> pairs);

/// Hint of an error of memory.
inline constexpr const char* kMemoryHint = "use a smaller batch or another dtype";

/// Calls `caption` with the options and rethrows an exception of their `on_token` unchanged. Other exceptions
/// become Errors.
std::vector<Caption> guarded(const CaptionOptions& options,
                             const std::function<std::vector<Caption>(const CaptionOptions&)>& caption);

}  // namespace ccexpert::generate
