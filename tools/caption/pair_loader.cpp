#include "caption/pair_loader.h"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/foreign_errors.h"

namespace ccexpert::tools {
namespace {

/// Decoding a pair takes milliseconds, captioning far longer: more threads would only take cores from the
/// model.
constexpr size_t kMostThreads = 8;

size_t threads_for(int asked, size_t pairs) {
  const size_t threads = asked > 0 ? static_cast<size_t>(asked) : std::thread::hardware_concurrency();
  return std::min({std::max<size_t>(threads, 1), kMostThreads, pairs});
}

bool are_one_file(const std::filesystem::path& before, const std::filesystem::path& after) {
  std::error_code code;
  return std::filesystem::equivalent(before, after, code);
}

}  // namespace

LoadedPair load_pair(const data::PairFiles& pair) {
  LoadedPair loaded;
  try {
    auto before = image::decode_with_warning(pair.before), after = image::decode_with_warning(pair.after);
    loaded = {std::move(before.image), std::move(after.image), {}, std::move(before.warning)};
    if (!after.warning.empty() && !are_one_file(pair.before, pair.after))
      loaded.warning += (loaded.warning.empty() ? "" : "; ") + after.warning;
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    loaded.error = error.what();
  }
  return loaded;
}

PairLoader::PairLoader(std::span<const data::PairFiles> pairs, PairLoaderOptions options)
    : rest_(pairs), options_(options) {
  start_next();
}

PairLoader::~PairLoader() {
  claimed_ = loading_.files.size();
}

PairLoader::Batch PairLoader::next() {
  for (auto& worker : workers_) worker.get();
  auto batch = std::exchange(loading_, {});
  start_next();
  return batch;
}

void PairLoader::start_next() {
  loading_.files = rest_.first(std::min(options_.batch_size, rest_.size()));
  loading_.images.resize(loading_.files.size());
  rest_ = rest_.subspan(loading_.files.size());
  claimed_ = 0;
  workers_.clear();
  for (size_t i = threads_for(options_.threads, loading_.files.size()); i > 0; --i)
    workers_.push_back(std::async(std::launch::async, &PairLoader::work, this));
}

void PairLoader::work() {
  for (size_t i = claimed_++; i < loading_.files.size(); i = claimed_++)
    loading_.images[i] = load_pair(loading_.files[i]);
}

}  // namespace ccexpert::tools
