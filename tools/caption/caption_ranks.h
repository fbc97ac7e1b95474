// Ranks that caption together: rank 0 reads, chooses tokens and writes, the others compute with their share
// of the decoder.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>

#include "caption/caption_options.h"
#include "distributed/shared/communicator.h"
#include "generate/shared/decoder_parts.h"

namespace ccexpert::tools {

class CaptionRanks {
 public:
  /// Joins the ranks of a launcher; a single process is rank 0. `command_line` must be the same on all ranks.
  /// Throws Error if a rank is missing or has another one.
  CaptionRanks(const CaptionCommand& command, const std::string& command_line, const std::stop_token& stop);
  CaptionRanks(const CaptionRanks&) = delete;
  CaptionRanks& operator=(const CaptionRanks&) = delete;
  ~CaptionRanks() = default;

  bool leads() const { return link_.number == 0; }

  /// Loads the model of rank 0.
  Captioner load();
  /// Captions with it by `work`. After an Error of this call or of `load`, the other ranks are left.
  std::vector<Caption> run(const std::function<std::vector<Caption>()>& work);
  /// Ends the other ranks with an exit code, unless they were left.
  void end(int code);
  /// Same for an error of rank 0; one of the other ranks is not reported beside it.
  void end_after_error() noexcept;

  /// Does the work of another rank. Returns the exit code of rank 0.
  int follow() const;

  /// Returns one line about the model.
  std::string description(const Captioner& captioner) const;

 private:
  const CaptionCommand& command_;
  CaptionerConfig config_;
  std::unique_ptr<distributed::Communicator> communicator_;  ///< null: a single process
  generate::PartLink link_;
  bool left_ = false;
};

}  // namespace ccexpert::tools
