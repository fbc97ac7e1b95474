/// Captions by several processes that share one decoder (tensor parallelism): each has some of its heads and
/// a share of its MLP. The first part has all other weights, reads images and text and chooses the tokens.
/// The others follow: they run each pass of the decoder with their share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/captioner.h>

namespace ccexpert::generate {

/// Connection of one part to the others. All parts call the functions in the same order.
struct PartLink {
  int64_t number = 0;  ///< 0 <= number < parts
  int64_t parts = 1;
  at::Device device = at::kCPU;  ///< of the tensors to send, and of this part's share
  /// Replaces a tensor by its sum over all parts.
  std::function<void(const at::Tensor&)> sum = {};
  /// Replaces a tensor by that of the first part.
  std::function<void(const at::Tensor&)> broadcast = {};
  /// Returns the texts of all parts in their order.
  std::function<std::vector<std::string>(const std::string&)> gather = [](const std::string& own) {
    return std::vector{own};
  };
  /// Called by the first part with true before a pass and with false after its last sum: the other parts
  /// cannot be ended between them.
  std::function<void(bool)> in_pass = [](bool) {};
};

/// Loads the model of the first part. Its captions are those of Captioner::load, up to rounding. The
/// captioner must not be used by two threads at once. Throws Error like Captioner::load, for int8 and for an
/// adapter that is kept apart, and if the parts cannot share the heads evenly; an Error of another part names
/// its number. The other parts wait for `end_parts` after an Error here.
Captioner load_first_part(const std::filesystem::path& folder, const CaptionerConfig& config,
                          const PartLink& link);

/// Ends the work of the other parts; `code` is what their `follow_first_part` returns.
void end_parts(const PartLink& link, int64_t code);

/// Loads the share of another part, and nothing else, after the first part has read all but its weights, and
/// runs its passes until it ends them. Returns its code. The first part throws the Error of a load that fails
/// here, also for a model of other sizes than its own; this part then waits for the end.
int64_t follow_first_part(const std::filesystem::path& folder, const CaptionerConfig& config,
                          const PartLink& link);

}  // namespace ccexpert::generate
