/// Load a CCExpert checkpoint once, caption pairs of images in memory.
///
///     auto captioner = ccexpert::Captioner::load("checkpoints/ccexpert-0.5b");
///     std::string caption = captioner.caption(before, after).text;
///
/// No OpenCV and no LibTorch type appears here; a program needs only this header and the library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <ccexpert/core/device_name.h>
#include <ccexpert/core/fields.h>
#include <ccexpert/core/precision.h>
#include <ccexpert/generate/change_map.h>
#include <ccexpert/generate/options.h>
#include <ccexpert/image/image.h>

namespace ccexpert::generate {

/// Returns the folder of the demo model, which is installed with ccexpert; empty if it is not installed. It
/// knows only synthetic scenes.
std::filesystem::path demo_model();

/// Limit of threads, far above any machine: an OpenMP runtime that cannot start its threads ends the process.
inline constexpr int kMostThreads = 1024;

/// Most tokens of a draft.
inline constexpr int64_t kMostDraftTokens = 64;

/// Default memory for features of images; those of an image need 13 MB at 0.5B in float32.
inline constexpr int64_t kFeatureCacheBytes = int64_t{256} << 20;

/// Device and precision of the model.
struct CaptionerConfig {
  DeviceName device = {};                  ///< "cpu", "cuda", "cuda:N" or "auto"
  Precision dtype = Precision::kStandard;  ///< of weights and activations
  int threads = 0;  ///< threads of one CPU operator (0: all cores); applies to the whole process
  /// Folder of a LoRA adapter in PEFT's format for the model; empty: none.
  std::filesystem::path adapter = {};
  /// True: the adapter is added to the weights at load, and costs nothing then. False: it stays apart.
  bool merge_adapter = true;
  /// Largest memory in bytes for vision features of images, of which the most recently used are kept: an
  /// image of several pairs or questions is encoded once. 0: none are kept.
  int64_t feature_cache = kFeatureCacheBytes;
};

/// Two images of one place. Pixels and text must outlive the call.
struct ImagePair {
  image::ImageView before;         ///< the earlier image
  image::ImageView after;          ///< the later image
  std::string_view question = {};  ///< for this pair only; empty: that of the options
};

/// Generated token, reported during generation.
struct TokenEvent {
  size_t pair = 0;       ///< index of the pair in the batch
  int64_t token_id = 0;  ///< of the vocabulary
  double logprob = 0.0;  ///< natural logarithm of the token's probability
  /// Whole characters that this token completes; may be empty, and has no text of an end token; valid during
  /// the call. The last token of a caption also returns the rest of an unfinished character, as U+FFFD.
  std::string_view text;
};

/// Agreement of a caption with another one; larger is better.
using CaptionUtility = std::function<double(const std::string& caption, const std::string& other)>;

struct CaptionOptions {               ///< How to caption, beside the images
  GenerationOptions generation = {};  ///< decoding; values that are not set are the checkpoint's
  /// Utility of minimum-Bayes-risk decoding, needed if `generation.mbr` is above 0. The library does not
  /// choose it: `mbr_metric` only names it for programs with scorers, as ccexpert-caption.
  CaptionUtility utility = {};
  /// The user's question, with "<image>" twice, with "<image1>" and then "<image2>", or without a mark (then
  /// both images precede it). Empty: Captioner::question().
  std::string question = {};
  /// Called for every token if set; returning false cancels that pair's caption. Not with beam search
  /// or minimum-Bayes-risk decoding.
  std::function<bool(const TokenEvent&)> on_token = {};
  /// A requested stop ends the call after the current stage (vision, Diff Expert, prefill), and generation
  /// within one token; partial results are returned as `FinishReason::kCancelled`.
  std::stop_token stop = {};
  /// Greedy decoding only: up to this many tokens are guessed by the n-grams of earlier captions and checked
  /// in one pass of the decoder. Captions are equal up to rounding. 0: off.
  int64_t draft_tokens = 0;
  /// Share of the image tokens that the decoder sees, above 0 and at most 1: those of the patches whose
  /// change feature Q* stands out most, the same ones in both images. Fewer tokens need less time and memory.
  /// Below 1 only with a Diff Expert.
  double keep_tokens = 1.0;
  /// Also return the combined change feature Q* of each pair.
  bool change_feature = false;
  /// Also return the place and the strength of each pair's change.
  bool locate = false;
  /// Also return the image patches of each word of a caption. It needs one more pass of the decoder over the
  /// caption; not for a model with a Q-Former, whose tokens belong to no patch, and not with several ranks.
  bool words = false;
  /// Also caption the pair with its images swapped and its first image against itself, and say if the results
  /// contradict each other; needs three times the work. Not in a Conversation.
  bool check_swap = false;
};

enum class FinishReason { kEndToken, kLength, kCancelled };  ///< Why a caption ended

/// Q*, the change feature summed over the scales (paper, multi-scale adaptive weighting): it locates the
/// change.
struct ChangeFeature {
  int64_t grid = 0;           ///< G: patches along one side
  int64_t width = 0;          ///< D: features of a patch
  std::vector<float> values;  ///< [G,G,D], row by row
};

struct Caption {                   ///< Caption of a pair, with what was asked for beside it
  std::string text;                ///< without end token and special tokens, surrounding blanks removed
  std::vector<int64_t> token_ids;  ///< as generated, the end token included
  double logprob = 0.0;            ///< sum of the log-probabilities of `token_ids`
  FinishReason finish = FinishReason::kLength;  ///< why it ended
  std::optional<ChangeFeature> change_feature;  ///< Q*, if asked for
  std::optional<LocatedChange> change;          ///< with CaptionOptions::locate
  std::vector<WordMap> words;                   ///< with CaptionOptions::words, in the order of the text
  /// With CaptionOptions::check_swap, unless a caption was cancelled: true if captions or, of a calibrated
  /// model, scores disagree about a change. They say that there is one if the caption differs from that of an
  /// image against itself and from LEVIR-CC's sentences for no change, and if the score is at least 0.5. Also
  /// true if a calibrated model gives an image against itself such a score, or if another one's caption of it
  /// is not among those sentences and repeats for the pair in one of its orders.
  std::optional<bool> unsure;
};

/// Wall time in seconds since loading, by stage, and counts.
struct CaptionerTimings {
  double load = 0.0;
  double preprocess = 0.0;
  double vision = 0.0;
  double diff_expert = 0.0;  ///< the projector included
  double prefill = 0.0;
  double decode = 0.0;
  int64_t pairs = 0;
  int64_t encoded_images = 0;  ///< by the vision transformer
  int64_t reused_images = 0;   ///< encoded before; see CaptionerConfig::feature_cache
  int64_t prompt_tokens = 0;   ///< image tokens included
  int64_t reused_tokens = 0;   ///< of `prompt_tokens`, those that a Conversation had computed before
  int64_t generated_tokens = 0;
  int64_t drafted_tokens = 0;  ///< of `generated_tokens`, those that `CaptionOptions::draft_tokens` guessed

  static constexpr auto fields() {
    using Self = CaptionerTimings;
    return std::tuple{field("load", &Self::load, "seconds of loading"),
                      field("preprocess", &Self::preprocess, "seconds of resizing and normalising"),
                      field("vision", &Self::vision, "seconds of the vision transformer"),
                      field("diff_expert", &Self::diff_expert, "seconds of Diff Expert and projector"),
                      field("prefill", &Self::prefill, "seconds of the prompts"),
                      field("decode", &Self::decode, "seconds of the tokens after the first"),
                      field("pairs", &Self::pairs, "pairs"),
                      field("encoded_images", &Self::encoded_images, "images that were encoded"),
                      field("reused_images", &Self::reused_images, "images encoded before"),
                      field("prompt_tokens", &Self::prompt_tokens, "tokens of the prompts"),
                      field("reused_tokens", &Self::reused_tokens, "tokens of prompts computed before"),
                      field("generated_tokens", &Self::generated_tokens, "tokens of captions"),
                      field("drafted_tokens", &Self::drafted_tokens, "tokens that drafts guessed")};
  }
};

class CaptionService;
class Conversation;
struct PartLink;

/// Loaded model. All members are thread-safe. Errors are thrown as ccexpert::Error.
class Captioner {
 public:
  /// Loads a checkpoint folder: config.json, safetensors (or .bin) weights and tokenizer files, in the
  /// authors' layout, as a LLaVA-OneVision base, or in the llava-hf layout. A base without Diff Expert runs
  /// without it. generation_config.json, if present, gives defaults of GenerationOptions.
  static Captioner load(const std::filesystem::path& folder, const CaptionerConfig& config = {});

  Captioner(Captioner&&) noexcept;
  Captioner& operator=(Captioner&&) noexcept;
  ~Captioner();

  Caption caption(const image::ImageView& before, const image::ImageView& after,
                  const CaptionOptions& options = {}) const;  ///< of one pair

  /// Captions all pairs as one batch: memory grows with their number. A caption does not depend on its batch.
  std::vector<Caption> caption(std::span<const ImagePair> pairs, const CaptionOptions& options = {}) const;

  /// Returns place and strength of the change of each pair, without a caption: vision transformer and Diff
  /// Expert only, all pairs as one batch. A model without Diff Expert compares the features of the vision
  /// transformer. Returns nothing after a stop.
  std::vector<LocatedChange> locate(std::span<const ImagePair> pairs, const std::stop_token& stop = {}) const;

  /// Encodes the pairs for several questions; see ccexpert/generate/conversation.h. The pixels are not needed
  /// after the call. The captioner may be moved, but must outlive the conversation.
  Conversation converse(std::span<const ImagePair> pairs) const;

  /// Learns the n-grams of these captions for drafts (CaptionOptions::draft_tokens), which also learn from
  /// the captions that they help to generate.
  void learn_drafts(std::span<const std::string> captions) const;

  /// Returns the decoding settings for these options: an unset value comes from the checkpoint's
  /// generation_config.json, else it is the default.
  DecodingConfig decoding(const GenerationOptions& options = {}) const;
  /// Returns the default question: the one that the checkpoint was trained with, if its config.json names it,
  /// else that of the reference implementation.
  const std::string& question() const;
  bool has_diff_expert() const;  ///< false: a base model, whose captions do without it
  /// True if the model's folder has a calibration of scores (change_score.json, from ccexpert-eval
  /// --calibrate), whose scores are probabilities.
  bool calibrated() const;
  /// Returns the smallest value of a changed pixel of a map: that of the calibration, else 0.5.
  double change_threshold() const;
  /// Returns one line with model sizes, device and precision.
  std::string description() const;
  /// Returns the engine of the products and its instruction set, as "oneDNN int8 tiles, AVX512-VNNI".
  std::string engine() const;
  CaptionerTimings timings() const;  ///< sums over all calls since loading

 private:
  friend class CaptionService;
  friend class Conversation;
  class Impl;
  explicit Captioner(std::unique_ptr<Impl> impl);
  friend Captioner load_first_part(const std::filesystem::path& folder, const CaptionerConfig& config,
                                   const PartLink& link);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::generate

namespace ccexpert {

using generate::Caption;
using generate::Captioner;
using generate::CaptionerConfig;
using generate::CaptionerTimings;
using generate::CaptionOptions;
using generate::CaptionUtility;
using generate::ChangeFeature;
using generate::FinishReason;
using generate::ImagePair;
using generate::TokenEvent;

}  // namespace ccexpert
