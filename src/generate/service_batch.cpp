// Steps of a service's batch.
#include "generate/service_batch.h"

#include <utility>

#include <ATen/ATen.h>

#include <ccexpert/core/log.h>

#include "generate/token_choice.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {
namespace {

/// Tells of a token; false if the request ends with it.
bool is_wanted(const CaptionEvents& events, const TokenEvent& event) {
  try {
    return !events.on_token || events.on_token(event);
  } catch (...) {
    log::warning("a request is cancelled, since its event threw an exception");
    return false;
  }
}

}  // namespace

CaptionService::Batch::Row::Row(std::shared_ptr<Job> request, const text::Tokenizer& tokenizer)
    : job(std::move(request)),
      sequence(job->decoding(), SampleSeed(static_cast<uint64_t>(job->decoding().seed))),
      stream(tokenizer, job->decoding()) {}

CaptionService::Batch::Batch(const Captioner::Impl& model, Inbox& inbox, PairMemory& memory)
    : model_(model), inbox_(inbox), memory_(memory), decoder_rows_(model.loaded().model->decoder()) {}

void CaptionService::Batch::step() {
  try {
    runtime::with_one_error_type(kMemoryHint, [&] {
      end_unwanted();
      if (rows_.empty()) return;
      const auto choices = choose();
      // From the last on: one that has its token takes the place of a row that leaves.
      for (size_t row = rows_.size(); row-- > 0;) accept(row, choices[row]);
      if (!rows_.empty()) grow();
    });
  } catch (const Error& error) {
    fail_all(service_error(error));
  }
}

void CaptionService::Batch::fail_all(const ServiceError& error) {
  decoder_rows_.clear();
  for (const auto& row : std::exchange(rows_, {})) inbox_.fail(*row->job, error);
}

void CaptionService::Batch::end_unwanted() {
  const auto now = Clock::now();
  for (size_t row = rows_.size(); row-- > 0;) {
    const auto& job = *rows_[row]->job;
    if (job.is_cancelled()) {
      rows_[row]->sequence.cancel();
      complete(row);
    } else if (job.is_late(now)) {
      fail(row, deadline_error());
    }
  }
}

std::vector<TokenChoice> CaptionService::Batch::choose() {
  std::vector<GrowingSequence*> sequences;
  for (const auto& row : rows_) sequences.push_back(&row->sequence);
  return model_.stopwatch().time(&CaptionerTimings::decode,
                                 [&] { return choose_tokens(decoder_rows_.logits(), sequences); });
}

void CaptionService::Batch::accept(size_t row, const TokenChoice& choice) {
  try {
    expect_number(choice.logprob);
  } catch (const Error& error) {
    return fail(row, service_error(error));
  }
  auto& of = *rows_[row];
  const auto text = of.stream.push(choice.id);
  inbox_.count_tokens(1);
  const bool wanted =
      is_wanted(of.job->events, {.pair = 0, .token_id = choice.id, .logprob = choice.logprob, .text = text});
  if (of.sequence.add(choice, wanted)) complete(row);
}

Caption CaptionService::Batch::caption_of(size_t row) {
  const auto& of = *rows_[row];
  const auto& job = *of.job;
  std::vector<Caption> captions{model_.to_caption(of.sequence.result(), job.decoding())};
  if (captions.front().finish != FinishReason::kCancelled && of.images) {
    model_.add_changes(captions, *of.images, job.options);
    if (job.options.words) {
      auto prompts = decoder_rows_.row(static_cast<int64_t>(row));
      prompts.truncate({of.prompt});
      model_.add_words(captions, *of.images, job.question, prompts);
    }
  }
  return std::move(captions.front());
}

void CaptionService::Batch::complete(size_t row) {
  std::optional<Caption> caption;
  try {
    caption = runtime::with_one_error_type(kMemoryHint, [&] { return caption_of(row); });
  } catch (const Error& error) {
    return fail(row, service_error(error));
  }
  inbox_.finish(*removed(row), std::move(*caption));
}

std::shared_ptr<CaptionService::Job> CaptionService::Batch::removed(size_t row) {
  decoder_rows_.leave(static_cast<int64_t>(row));
  auto job = std::move(rows_[row]->job);
  if (row + 1 < rows_.size()) rows_[row] = std::move(rows_.back());
  rows_.pop_back();
  return job;
}

void CaptionService::Batch::fail(size_t row, const ServiceError& error) {
  inbox_.fail(*removed(row), error);
}

void CaptionService::Batch::grow() {
  std::vector<int64_t> ids;
  for (const auto& row : rows_) ids.push_back(row->sequence.result().ids.back());
  model_.stopwatch().time(&CaptionerTimings::decode, [&] {
    decoder_rows_.grow(ids);
    return true;
  });
  inbox_.count_step(size());
}

}  // namespace ccexpert::generate
