// Requests of a service that are computed together.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "generate/caption_stream.h"
#include "generate/growing_rows.h"
#include "generate/growing_sequence.h"
#include "generate/prepared_pair.h"
#include "generate/service_inbox.h"

namespace ccexpert::generate {

/// Rows of a decoder, each a request that joined. It reports the end of every request that it was given. Only
/// for the worker.
class CaptionService::Batch {
 public:
  using Jobs = Inbox::Jobs;

  /// All must outlive this object.
  Batch(const Captioner::Impl& model, Inbox& inbox, PairMemory& memory);

  int64_t size() const { return std::ssize(rows_); }
  /// Prepares requests and makes them rows.
  void join(const Jobs& jobs);
  /// Computes a search. Before each of its steps it calls `others`, which may join and step the rows.
  void search(const std::shared_ptr<Job>& job, const std::function<void()>& others);
  /// Adds a token to each row. Rows that are complete, cancelled or late leave.
  void step();
  /// Ends all rows.
  void fail_all(const ServiceError& error);

 private:
  struct Row {
    Row(std::shared_ptr<Job> request, const text::Tokenizer& tokenizer);

    std::shared_ptr<Job> job;
    GrowingSequence sequence;
    CaptionStream stream;
    std::optional<EncodedPairs> images = {};  // if results about the change or words are asked for
    int64_t prompt = 0;                       // tokens
  };

  void join_group(const Jobs& jobs);
  /// Reports those that are over, and returns the others.
  Jobs still_wanted(const Jobs& jobs);
  void encode(const Jobs& jobs);
  /// Removes and returns those that ask for a place alone.
  static Jobs removed_places(Jobs& jobs);
  void answer_place(Job& job);
  DecoderSequences prefilled(const Jobs& jobs);
  void keep_prompts(const Jobs& jobs, const DecoderSequences& sequences);
  void add_row(const std::shared_ptr<Job>& job, const DecoderSequences& sequences, int64_t index);
  void answer(Job& job, const std::function<void()>& others);
  KeptPrompts* kept_of(const Job& job) const;

  void end_unwanted();
  std::vector<TokenChoice> choose();
  void accept(size_t row, const TokenChoice& choice);
  Caption caption_of(size_t row);
  void complete(size_t row);
  /// Removes a row; the last one takes its place.
  std::shared_ptr<Job> removed(size_t row);
  void fail(size_t row, const ServiceError& error);
  void grow();

  const Captioner::Impl& model_;
  Inbox& inbox_;
  PairMemory& memory_;
  GrowingRows decoder_rows_;
  std::vector<std::unique_ptr<Row>> rows_;  // in the order of decoder_rows_
};

}  // namespace ccexpert::generate
