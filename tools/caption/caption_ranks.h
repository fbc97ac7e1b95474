// Ranks that caption together: rank 0 reads, chooses tokens and writes, the others compute with their share
// of the decoder.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

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

  /// Loads the model of rank 0. Throws an Error of any rank.
  Captioner load();
  /// Ends the other ranks with an exit code, unless a rank is gone.
  void end(int code);
  /// Same for an error of rank 0. After one in a pass of the decoder, the others end because this rank
  /// leaves. An error here is not reported beside it.
  void end_after_error() noexcept;

  /// Does the work of another rank. Returns the exit code of rank 0, which reports its errors.
  int follow();

  /// Returns one line about the model.
  std::string description(const Captioner& captioner) const;

 private:
  /// Makes the link to the other ranks.
  void connect(const distributed::Rank& rank, at::Device device);

  const CaptionCommand& command_;
  CaptionerConfig config_;
  std::unique_ptr<distributed::Communicator> communicator_;  ///< null: a single process
  generate::PartLink link_;
  bool left_ = false;     ///< the others hear no more messages
  bool in_pass_ = false;  ///< nor do they now
};

}  // namespace ccexpert::tools
