// trainer.json of a training checkpoint, next to valid optimiser state.
#include <ATen/ATen.h>

#include "fuzz/target.h"
#include "train/manifest.h"
#include "train/training_state.h"

namespace ccexpert::fuzz {
namespace {

std::unique_ptr<train::ShardedAdamW> small_optimizer(distributed::Communicator& alone) {
  return std::make_unique<train::ShardedAdamW>(
      std::vector<train::TrainableParameter>{{"a", at::ones({3}).requires_grad_(true)}},
      train::AdamWOptions{}, alone);
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  static const auto alone = distributed::single_process();
  static const auto optimizer = fuzz::small_optimizer(*alone);
  const auto& folder = fuzz::Folder::shared();
  static const bool written = [&] {
    io::write_safetensors(folder / "optimizer-00000-of-00001.safetensors", optimizer->state());
    return true;
  }();
  folder.write("trainer.json", fuzz::text_of(data, size));
  fuzz::expect(written, "the optimiser's state is there");
  fuzz::reads([&] { train::read_training_state(folder.path(), *optimizer); });
  return 0;
}
