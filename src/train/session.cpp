#include <algorithm>
#include <thread>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/train/session.h>
#include <ccexpert/train/trainer.h>

#include "model/torch_errors.h"

namespace ccexpert::train {
namespace {

constexpr const char* kMemoryHint = "see --plan; use a smaller batch.micro";

void use_threads(const TrainConfig& config, const distributed::Rank& rank) {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  const auto threads = static_cast<int>(config.threads);
  if (threads == 0 && rank.local_size == 1) return;
  at::set_num_threads(threads > 0 ? threads : std::max(1, cores / rank.local_size));
}

}  // namespace

class Session::Impl {
 public:
  explicit Impl(const TrainConfig& config) : rank_(distributed::rank_from_environment()) {
    use_threads(config, rank_);
    device_ = device_of_rank(config, rank_.local_rank);
    const auto timeout =
        std::chrono::milliseconds(static_cast<int64_t>(config.distributed.timeout_seconds * 1e3));
    communicator_ = distributed::join(rank_, device_, timeout);
  }

  bool train(const TrainConfig& stage, const std::stop_token& stop) {
    // The first rank alone looks: folders of other machines may lag behind, and all must do the same.
    const bool finished = rank_.rank == 0 && is_finished(stage);
    if (communicator_->gather_text(finished ? "finished" : "").front() == "finished") {
      log::info(fmt::format("{} is finished already: {}", stage.name, stage.output));
      return true;
    }
    return train::train(stage, *communicator_, device_, stop).finished;
  }

  const distributed::Rank& rank() const { return rank_; }

 private:
  distributed::Rank rank_;
  at::Device device_ = at::kCPU;
  std::unique_ptr<distributed::Communicator> communicator_;
};

Session::Session(const TrainConfig& config)
    : impl_(with_one_error_type(kMemoryHint, [&] { return std::make_unique<Impl>(config); })) {}
Session::~Session() = default;

int Session::rank() const {
  return impl_->rank().rank;
}
int Session::size() const {
  return impl_->rank().size;
}

bool Session::train(const TrainConfig& stage, const std::stop_token& stop) {
  return with_one_error_type(kMemoryHint, [&] { return impl_->train(stage, stop); });
}

}  // namespace ccexpert::train
