#include "generate/service_job.h"

#include <utility>

#include <fmt/format.h>

#include "generate/prepared_pair.h"

namespace ccexpert::generate {
namespace {

CaptionOptions options_of(CaptionRequest& request) {
  CaptionOptions options;
  options.generation = std::move(request.generation);
  options.utility = std::move(request.utility);
  options.question = std::move(request.question);
  options.keep_tokens = request.keep_tokens;
  options.change_feature = request.change_feature;
  options.locate = request.locate;
  options.words = request.words;
  return options;
}

std::vector<int64_t> prompt_of(const LoadedModel& loaded, const std::vector<text::PastTurn>& past,
                               const std::string& question) {
  if (question.empty() && !past.empty()) fail_expected({"question", "a text after the first turn", "none"});
  return text::encode_conversation(*loaded.tokenizer, past, question.empty() ? loaded.question : question,
                                   loaded.prompt);
}

}  // namespace

CaptionService::Job::Job(const Captioner::Impl& model, CaptionRequest request, CaptionEvents all_events,
                         const ServiceLimits& limits)
    : pair(std::move(request.pair)),
      client(std::move(request.client)),
      place_only(request.place_only),
      deadline(request.deadline),
      options(options_of(request)),
      question(model.question_of({}, options)),
      events(std::move(all_events)) {
  if (!pair) fail_expected({"pair", "a prepared pair", "none"});
  options.stop = stop.get_token();
  if (place_only) return;
  question.prompts = {prompt_of(model.loaded(), request.past, options.question)};
  const auto& config = model.model_config();
  prompt_tokens = text::spliced_length(question.prompts.front(), config.image_tokens());
  if (prompt_tokens + decoding().max_new_tokens > limits.tokens) {
    fail_expected({"tokens of prompt and caption", fmt::format("at most {}", limits.tokens),
                   fmt::format("{} and {}", prompt_tokens, decoding().max_new_tokens)});
  }
}

ServiceError deadline_error() {
  return {"deadline: it passed before the caption was complete", ErrorKind::kResource,
          ServiceFailure::kDeadline};
}

ServiceError stopping_error() {
  return {"service: it ends, and takes no more requests", ErrorKind::kResource, ServiceFailure::kStopping};
}

ServiceError service_error(const Error& error) {
  if (const auto* own = dynamic_cast<const ServiceError*>(&error)) return *own;
  return {error.what(), error.kind(), ServiceFailure::kRequest};
}

}  // namespace ccexpert::generate
