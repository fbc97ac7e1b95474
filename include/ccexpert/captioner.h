/// Load a CCExpert checkpoint once, caption pairs of images in memory.
///
///     auto captioner = ccexpert::Captioner::load("checkpoints/ccexpert-0.5b");
///     std::string caption = captioner.caption(before, after).text;
///
/// No OpenCV and no LibTorch type appears here; a program needs only this header and the library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/device_name.h>
#include <ccexpert/core/precision.h>
#include <ccexpert/generate/caption.h>
#include <ccexpert/generate/captioner_timings.h>
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
