#include <ccexpert/core/error.h>
#include <ccexpert/generate/conversation.h>

#include "generate/captioner_impl.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {

class Conversation::Impl {
 public:
  Impl(const Captioner::Impl& captioner, std::span<const ImagePair> pairs)
      : captioner_(captioner), own_questions_(own_questions(pairs)) {
    if (!pairs.empty()) images_ = captioner.encode(pairs, {});
  }

  std::vector<Caption> ask(const CaptionOptions& options) {
    if (options.check_swap) fail_expected({"check_swap", "no conversation, which holds no pixels", "one"});
    const auto question = captioner_.question_of(own_questions_, options);
    if (!images_) return {};
    return captioner_.answer(*images_, question, &kept_);
  }

 private:
  const Captioner::Impl& captioner_;
  std::vector<std::string> own_questions_;
  std::optional<EncodedPairs> images_;  // nothing without pairs
  KeptPrompts kept_;
};

Conversation::Conversation(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Conversation::Conversation(Conversation&&) noexcept = default;
Conversation& Conversation::operator=(Conversation&&) noexcept = default;
Conversation::~Conversation() = default;

std::vector<Caption> Conversation::ask(const CaptionOptions& options) {
  return guarded(options, [&](const CaptionOptions& caught) { return impl_->ask(caught); });
}

Conversation Captioner::converse(std::span<const ImagePair> pairs) const {
  return runtime::with_one_error_type(
      kMemoryHint, [&] { return Conversation(std::make_unique<Conversation::Impl>(*impl_, pairs)); });
}

}  // namespace ccexpert::generate
