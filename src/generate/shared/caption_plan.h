/// Memory that captions need, computed from a model's sizes without its weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>

namespace ccexpert::generate {

struct CaptionPlanRequest {
  std::filesystem::path model;  ///< a folder with config.json
  /// `auto` devices are GPUs here, since plans are made on other machines.
  CaptionerConfig captioner = {};
  GenerationOptions generation = {};
  int64_t pairs = 1;  ///< in flight at once
  int64_t ranks = 1;  ///< that share the decoder
};

/// Bytes of one rank.
struct CaptionMemory {
  double weights = 0.0;
  double caches = 0.0;       ///< keys and values of all sequences
  double activations = 0.0;  ///< an estimate: those of the largest block
  double features = 0.0;     ///< CaptionerConfig::feature_cache, at most
  double total() const { return weights + caches + activations + features; }
};

/// Memory with a number of ranks. The first rank also has embedding, head, vision tower, projector
/// and image features.
struct CaptionPlanChoice {
  int64_t ranks = 1;
  CaptionMemory first = {}, other = {};
};

struct CaptionPlan {
  std::string name;
  Precision precision = Precision::kBfloat16;
  int64_t pairs = 1;
  int64_t shared = 0;  ///< weights of the decoder's blocks
  int64_t whole = 0;   ///< all other weights
  CaptionPlanChoice asked = {};
  std::vector<CaptionPlanChoice> choices = {};  ///< all numbers of ranks up to 64 that can share the decoder
  int64_t fewest_gpus = 0;                      ///< of `gpu_bytes`; 0: none of the choices fits
  double gpu_bytes = 80e9;                      ///< of an H100; 0: the device is a CPU
};

/// Throws Error for int8 (also by auto on a CPU), for a folder without a known config.json and for ranks that
/// cannot share the heads.
CaptionPlan plan_captions(const CaptionPlanRequest& request);

/// Returns a table for people.
std::string to_text(const CaptionPlan& plan);

}  // namespace ccexpert::generate
