#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/train/session.h>
#include <ccexpert/version.h>

#include "runtime/torch_errors.h"
#include "train/agreement.h"
#include "train/join_options.h"
#include "train/same_start.h"
#include "train/trainer.h"

namespace ccexpert::train {
namespace {

constexpr const char* kMemoryHint = "see --plan; use a smaller batch.micro";

void use_threads(const TrainConfig& config, const distributed::Rank& rank) {
  const int threads = distributed::threads_of(rank, static_cast<int>(config.threads));
  if (threads > 0) at::set_num_threads(threads);
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1e3));
}

}  // namespace

distributed::JoinOptions join_options(const DistributedSection& section, const std::stop_token& stop) {
  const auto info = generate::build_info();
  return {.timeout = milliseconds_of(section.timeout_seconds),
          .program = fmt::format("ccexpert {} with LibTorch {}", info.version, info.libtorch),
          .stop = stop,
          .stop_timeout = milliseconds_of(section.stop_seconds)};
}

class Session::Impl {
 public:
  Impl(const std::vector<TrainConfig>& stages, const std::stop_token& stop)
      : rank_(distributed::rank_from_environment()) {
    if (stages.empty()) fail("stages", "there is none to train");
    use_threads(stages.front(), rank_);
    device_ = device_of_rank(stages.front(), rank_.local_rank);
    communicator_ = distributed::join(rank_, device_, join_options(stages.front().distributed, stop));
    expect_same_config(stages, *communicator_);
  }

  bool train(const TrainConfig& stage, const RunControl& control) {
    control.enter(RunPhase::kSaved);
    // Only rank 0 looks, since folders on other machines may lag and all ranks must agree.
    const auto state =
        first_rank_says(*communicator_, [&] { return std::string(is_finished(stage) ? "finished" : ""); });
    if (state == "finished") {
      log::info(fmt::format("{} is finished already: {}", stage.name, stage.output));
      return true;
    }
    return train::train(stage, *communicator_, device_, control).finished;
  }

  const distributed::Rank& rank() const { return rank_; }

 private:
  distributed::Rank rank_;
  at::Device device_ = at::kCPU;
  std::unique_ptr<distributed::Communicator> communicator_;
};

Session::Session(const std::vector<TrainConfig>& stages, const std::stop_token& stop)
    : impl_(runtime::with_one_error_type(kMemoryHint, [&] { return std::make_unique<Impl>(stages, stop); })) {
}
Session::~Session() = default;

int Session::rank() const {
  return impl_->rank().rank;
}
int Session::size() const {
  return impl_->rank().size;
}

bool Session::train(const TrainConfig& stage, const RunControl& control) {
  return runtime::with_one_error_type(kMemoryHint, [&] { return impl_->train(stage, control); });
}

}  // namespace ccexpert::train
