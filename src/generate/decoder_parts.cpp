#include "generate/shared/decoder_parts.h"

#include <map>
#include <optional>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/decoder.h>

#include "generate/leading_model.h"
#include "generate/opened_model.h"
#include "model/shared/decoder_part.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {
namespace {

constexpr const char* kRanks = "captions by several ranks";
constexpr const char* kMemoryHint = "use a smaller batch, another dtype or more ranks";

/// Sums over the parts in a block of the decoder: after attention and after the MLP.
constexpr int64_t kSumsOfBlock = 2;

using Numbers = std::vector<int64_t>;

/// Messages of the first part.
enum class Kind : int64_t {
  kLoad,    ///< the sizes of its decoder
  kMade,    ///< a cache: its capacity
  kCopied,  ///< a cache: the number of its copy
  kSelected,
  kTruncated,  ///< a cache: the lengths of its rows
  kReserved,   ///< a cache: its capacity
  kDropped,    ///< caches
  kPlaced,     ///< a cache: tokens of a row, then the positions of all rows
  kPassed,     ///< a cache: rows and tokens, its lengths, the real tokens of each row or nothing; then
               ///< embeddings
  kEnd,        ///< its code
};

struct Message {
  Kind kind = Kind::kEnd;
  int64_t cache = 0;
  Numbers numbers = {};
};

at::TensorOptions whole_numbers(const PartLink& link) {
  return at::TensorOptions().dtype(at::kLong).device(link.device);
}

void send(const PartLink& link, const Message& message) {
  const Numbers head{static_cast<int64_t>(message.kind), message.cache, std::ssize(message.numbers)};
  link.broadcast(at::tensor(head, at::kLong).to(link.device));
  if (!message.numbers.empty()) link.broadcast(at::tensor(message.numbers, at::kLong).to(link.device));
}

Numbers received(const PartLink& link, int64_t count) {
  const auto numbers = at::empty({count}, whole_numbers(link));
  if (count > 0) link.broadcast(numbers);
  const auto here = numbers.to(at::kCPU);
  const auto* first = here.const_data_ptr<int64_t>();
  return {first, first + count};
}

Message receive(const PartLink& link) {
  constexpr int64_t kHead = 3;
  const auto head = received(link, kHead);
  return {static_cast<Kind>(head[0]), head[1], received(link, head[2])};
}

Numbers sizes_of(const OpenedModel& opened) {
  const auto& config = opened.config.decoder;
  const auto dtype = c10::typeMetaToScalarType(opened.tensor().dtype());
  return {config.num_hidden_layers,   config.hidden_size,         config.intermediate_size,
          config.num_attention_heads, config.num_key_value_heads, config.head_width(),
          static_cast<int64_t>(dtype)};
}

/// Tells the other parts of the passes of the first.
class Leader : public model::DecoderObserver {
 public:
  /// `sums`: sums of a pass.
  Leader(PartLink link, int64_t sums) : link_(std::move(link)), sums_(sums) {}

  void sum(const at::Tensor& tensor) {
    link_.sum(tensor);
    if (--sums_left_ == 0) link_.in_pass(false);
  }

  int64_t made(int64_t capacity) override {
    send(link_, {Kind::kMade, ++last_, {capacity}});
    return last_;
  }
  int64_t copied(int64_t cache) override {
    send(link_, {Kind::kCopied, cache, {++last_}});
    return last_;
  }
  void selected(int64_t cache, const Numbers& rows) override { send(link_, {Kind::kSelected, cache, rows}); }
  void truncated(int64_t cache, const Numbers& lengths) override {
    send(link_, {Kind::kTruncated, cache, lengths});
  }
  void reserved(int64_t cache, int64_t capacity) override {
    send(link_, {Kind::kReserved, cache, {capacity}});
  }
  /// Sent with the next message: an error may be on its way, after which the others are gone.
  void dropped(int64_t cache) noexcept override { dropped_.push_back(cache); }
  void placed(int64_t cache, const at::Tensor& positions) override {
    const auto all = positions.contiguous();
    Message message{Kind::kPlaced, cache, {all.size(1)}};
    const auto* first = all.const_data_ptr<int64_t>();
    message.numbers.insert(message.numbers.end(), first, first + all.numel());
    send(link_, message);
  }
  void passed(int64_t cache, const Numbers& lengths, const at::Tensor& embeddings,
              const Numbers& added) override {
    if (!dropped_.empty()) send(link_, {Kind::kDropped, 0, std::exchange(dropped_, {})});
    sums_left_ = sums_;
    link_.in_pass(true);
    Message message{Kind::kPassed, cache, {embeddings.size(0), embeddings.size(1), std::ssize(lengths)}};
    for (const auto* part : {&lengths, &added})
      message.numbers.insert(message.numbers.end(), part->begin(), part->end());
    send(link_, message);
    link_.broadcast(embeddings.contiguous());
  }

 private:
  const PartLink link_;
  const int64_t sums_;
  int64_t sums_left_ = 0;  ///< of the current pass
  int64_t last_ = 0;
  Numbers dropped_;
};

/// Does with its part of the decoder what the first part does.
class Follower {
 public:
  Follower(const model::Decoder& decoder, const PartLink& link, at::TensorOptions tensor)
      : decoder_(decoder), link_(link), tensor_(tensor) {}

  int64_t run() {
    for (auto message = receive(link_);; message = receive(link_)) {
      if (message.kind == Kind::kEnd) return message.numbers.at(0);
      act(message);
    }
  }

 private:
  void act(const Message& message) {
    const auto& numbers = message.numbers;
    switch (message.kind) {
      case Kind::kMade:
        caches_.emplace(message.cache, model::KvCache(decoder_.config().num_hidden_layers, numbers.at(0)));
        break;
      case Kind::kCopied:
        caches_.emplace(numbers.at(0), caches_.at(message.cache));
        break;
      case Kind::kSelected:
        caches_.at(message.cache).select_rows(numbers);
        break;
      case Kind::kTruncated:
        caches_.at(message.cache).truncate(numbers);
        break;
      case Kind::kReserved:
        caches_.at(message.cache).reserve(numbers.at(0));
        break;
      case Kind::kDropped:
        for (const int64_t cache : numbers) caches_.erase(cache);
        break;
      case Kind::kPlaced:
        caches_.at(message.cache)
            .place(
                at::tensor(Numbers(numbers.begin() + 1, numbers.end()), at::kLong).view({-1, numbers.at(0)}));
        break;
      case Kind::kPassed:
        pass(caches_.at(message.cache), numbers);
        break;
      default:
        fail(kRanks, "a message of the first rank is unknown", "", ErrorKind::kInternal);
    }
  }

  void pass(model::KvCache& cache, const Numbers& numbers) const {
    const auto start = numbers.begin() + 3, middle = start + numbers.at(2);
    if (cache.lengths() != Numbers(start, middle))
      fail(kRanks, "the caches of two ranks differ", "", ErrorKind::kInternal);
    const auto embeddings = at::empty({numbers[0], numbers[1], decoder_.config().hidden_size}, tensor_);
    link_.broadcast(embeddings);
    decoder_.forward(embeddings, &cache, Numbers(middle, numbers.end()));
  }

  const model::Decoder& decoder_;
  const PartLink& link_;
  const at::TensorOptions tensor_;
  std::map<int64_t, model::KvCache> caches_;
};

model::DecoderPart part_of(const PartLink& link) {
  return {.number = link.number, .parts = link.parts, .sum = link.sum};
}

/// Throws Error for weights that parts cannot share.
void expect_shareable(const OpenedModel& opened) {
  if (opened.precision == Precision::kInt8)
    fail_expected({kRanks, "dtype float32, bfloat16 or float16", "int8"});
  if (opened.apart)
    fail_expected({kRanks, "an adapter that is merged into the weights", "one that is kept apart"});
}

void expect_same_model(const OpenedModel& opened, const Numbers& first) {
  if (sizes_of(opened) == first) return;
  fail_expected(
      {"the decoder", "the sizes and dtype of rank 0", "others", "do all ranks read the same model?"});
}

std::optional<Error> problem_of(const std::function<void()>& work) {
  try {
    runtime::with_one_error_type(kMemoryHint, work);
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Tells all parts of the problem of this one. Returns the first problem of any, if it is not this part's.
std::optional<Error> exchanged(const PartLink& link, const std::optional<Error>& own) {
  const auto problems = link.gather(own ? own->what() : "");
  if (own) return own;
  for (size_t rank = 0; rank < problems.size(); ++rank) {
    if (!problems[rank].empty()) return Error(fmt::format("rank {}: {}", rank, problems[rank]));
  }
  return std::nullopt;
}

/// What another part has of a model.
struct Share {
  OpenedModel opened;
  std::shared_ptr<model::Decoder> decoder;
};

Share load_share(OpenedModel opened, const PartLink& link) {
  expect_shareable(opened);
  auto decoder = model::build_decoder_part(opened.config.decoder, *opened.checkpoint.weights, opened.tensor(),
                                           part_of(link));
  return {std::move(opened), std::move(decoder)};
}

}  // namespace

std::shared_ptr<model::CcexpertModel> build_leading_model(const OpenedModel& opened, const PartLink& link) {
  expect_shareable(opened);
  model::config_of_part(opened.config.decoder, link.parts);
  send(link, {Kind::kLoad, 0, sizes_of(opened)});
  const auto leader = std::make_shared<Leader>(link, kSumsOfBlock * opened.config.decoder.num_hidden_layers);
  auto part = part_of(link);
  part.sum = [leader](const at::Tensor& tensor) { leader->sum(tensor); };
  std::shared_ptr<model::CcexpertModel> model;
  const auto own = problem_of([&] {
    model =
        model::build_model_part(opened.config, *opened.checkpoint.weights, {.tensor = opened.tensor()}, part);
  });
  if (const auto problem = exchanged(link, own)) throw Error(*problem);
  model->set_decoder_observer(leader);
  return model;
}

void end_parts(const PartLink& link, int64_t code) {
  runtime::with_one_error_type(kMemoryHint, [&] { send(link, {Kind::kEnd, 0, {code}}); });
}

int64_t follow_first_part(const std::filesystem::path& folder, const CaptionerConfig& config,
                          const PartLink& link) {
  return runtime::with_one_error_type(kMemoryHint, [&] {
    const auto first = receive(link);
    if (first.kind == Kind::kEnd) return first.numbers.at(0);
    std::optional<Share> share;
    const auto own = problem_of([&] {
      auto opened = open_part_for_captions(folder, config);
      expect_same_model(opened, first.numbers);
      share = load_share(std::move(opened), link);
    });
    // The first part reports a problem of any part, and ends the others.
    if (exchanged(link, own)) return receive(link).numbers.at(0);
    const c10::InferenceMode inference;
    return Follower(*share->decoder, link, share->opened.tensor()).run();
  });
}

}  // namespace ccexpert::generate
