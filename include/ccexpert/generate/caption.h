/// Captions of pairs of images: what a call is given, and what it returns.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/generate/change_map.h>
#include <ccexpert/generate/options.h>
#include <ccexpert/image/image.h>

namespace ccexpert::generate {

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

}  // namespace ccexpert::generate
