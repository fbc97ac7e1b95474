// Runs a fuzz target without libFuzzer, if the rooms are built by another compiler. TARGET
// [-max_total_time=SECONDS]
// [-artifact_prefix=PREFIX] FILE_OR_FOLDER... runs every input, then mutated ones. Other options are ignored.
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

constexpr size_t kMostBytes = size_t{1} << 16;

std::string artifact = "crash";
const Bytes* running = nullptr;

/// Writes the current input to a file when the process crashes.
void keep_input(int signal) {
  if (running != nullptr) {
    if (auto* file = std::fopen(artifact.c_str(), "wb")) {
      std::fwrite(running->data(), 1, running->size(), file);
      std::fclose(file);
      std::fprintf(stderr, "Test unit written to %s\n", artifact.c_str());
    }
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const Bytes& input) {
  running = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
  running = nullptr;
}

Bytes bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void collect(const fs::path& path, std::vector<Bytes>& inputs) {
  if (!fs::is_directory(path)) {
    inputs.push_back(bytes_of(path));
    return;
  }
  for (const auto& entry : fs::directory_iterator(path)) inputs.push_back(bytes_of(entry.path()));
}

/// Mutates inputs with a fixed seed.
class Mutator {
 public:
  Bytes changed(const std::vector<Bytes>& inputs) {
    auto input = inputs[below(inputs.size())];
    for (size_t i = 1 + below(4); i > 0; --i) change(input, inputs[below(inputs.size())]);
    if (input.size() > kMostBytes) input.resize(kMostBytes);
    return input;
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(Bytes& input, const Bytes& other) {
    const auto at = static_cast<std::ptrdiff_t>(below(input.size() + 1));
    const auto length = static_cast<std::ptrdiff_t>(below(std::min<size_t>(input.size() - at, 64) + 1));
    switch (random_() % 5) {
      case 0:
        if (!input.empty()) input[below(input.size())] ^= static_cast<uint8_t>(1U << random_() % 8);
        break;
      case 1:
        input.insert(input.begin() + at, static_cast<uint8_t>(random_()));
        break;
      case 2:
        input.erase(input.begin() + at, input.begin() + at + length);
        break;
      case 3: {
        const Bytes copy(input.begin() + at, input.begin() + at + length);
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)), copy.begin(),
                     copy.end());
        break;
      }
      default: {
        const auto from = static_cast<std::ptrdiff_t>(below(other.size() + 1));
        const Bytes copy(other.begin() + from,
                         other.begin() + from +
                             static_cast<std::ptrdiff_t>(
                                 below(std::min<size_t>(other.size() - static_cast<size_t>(from), 64) + 1)));
        input.insert(input.begin() + at, copy.begin(), copy.end());
      }
    }
  }

  std::minstd_rand random_{42};
};

}  // namespace

int main(int count, char** arguments) {
  LLVMFuzzerInitialize(&count, &arguments);
  std::vector<Bytes> inputs;
  long seconds = 0;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument(arguments[i]);
    constexpr std::string_view kSeconds = "-max_total_time=", kPrefix = "-artifact_prefix=";
    if (argument.starts_with(kSeconds)) {
      seconds = std::strtol(arguments[i] + kSeconds.size(), nullptr, 10);
    } else if (argument.starts_with(kPrefix)) {
      artifact = std::string(argument.substr(kPrefix.size())) + "crash";
    } else if (!argument.starts_with('-')) {
      collect(arguments[i], inputs);
    }
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, keep_input);
  size_t runs = 0;
  for (const auto& input : inputs) {
    run(input);
    ++runs;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  Mutator mutator;
  while (!inputs.empty() && std::chrono::steady_clock::now() < end) {
    run(mutator.changed(inputs));
    ++runs;
  }
  std::fprintf(stderr, "Done %zu runs in %ld second(s)\n", runs, seconds);
  return 0;
}
