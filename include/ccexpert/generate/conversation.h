/// Several questions about the same pairs of images, which are encoded once.
///
///     auto conversation = captioner.converse(pairs);
///     auto captions = conversation.ask();
///     auto answers = conversation.ask({.question = "Did a road change?"});
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/captioner.h>

namespace ccexpert::generate {

/// Encoded images of pairs, and the decoder's keys and values of the last prompt: a question computes only
/// what follows the tokens that it shares with the question before it. Its captions are those of
/// Captioner::caption, up to rounding. The memory is that of one batch of prompts. The captioner must outlive
/// the conversation. Not thread-safe; several conversations may run at once.
class Conversation {
 public:
  Conversation(Conversation&&) noexcept;
  Conversation& operator=(Conversation&&) noexcept;
  ~Conversation();

  /// Asks every pair the question of the options, or its own one, if ImagePair::question has one; returns an
  /// answer for each. Throws Error as Captioner::caption does.
  std::vector<Caption> ask(const CaptionOptions& options = {});

 private:
  friend class Captioner;
  class Impl;
  explicit Conversation(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::generate

namespace ccexpert {

using generate::Conversation;

}  // namespace ccexpert
