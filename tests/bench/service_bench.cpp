// Pairs per second of concurrent requests to a service against one caption after another, in turns:
//
//     service_bench MODEL [PAIRS [ROUNDS [THREADS [DTYPE [JOINING]]]]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include "generate/shared/caption_service.h"
#include "synth/shared/pair.h"

namespace ccexpert {
namespace {

constexpr size_t kClients = 8;

struct Spent {
  double wall, user;
};

double user_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

template <class Work>
Spent timed(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  const double user = user_seconds();
  work();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  return {wall.count(), user_seconds() - user};
}

/// Prints the wall time of the stages since `before`.
void print_stages(const char* what, const CaptionerTimings& now, const CaptionerTimings& before) {
  const auto pairs = static_cast<double>(now.pairs - before.pairs);
  const auto ms = [&](double CaptionerTimings::*stage) { return 1e3 * (now.*stage - before.*stage) / pairs; };
  std::printf("%-28s vision %.2f, Diff Expert %.2f, prefill %.2f, decode %.2f ms a pair\n", what,
              ms(&CaptionerTimings::vision), ms(&CaptionerTimings::diff_expert),
              ms(&CaptionerTimings::prefill), ms(&CaptionerTimings::decode));
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Asks as a client that waits.
std::string answer(generate::CaptionService& service, const synth::SyntheticPair& pair) {
  std::promise<std::string> text;
  service.submit({.pair = service.prepare(pair.before.view(), pair.after.view())},
                 {.on_done = [&](const Caption& caption) { text.set_value(caption.text); },
                  .on_error = [&](const generate::ServiceError& error) { text.set_value(error.what()); }});
  return text.get_future().get();
}

void print(const char* what, const std::vector<Spent>& rounds, size_t pairs) {
  std::vector<double> wall, user;
  for (const auto& round : rounds) {
    wall.push_back(round.wall);
    user.push_back(round.user);
  }
  const auto count = static_cast<double>(pairs);
  std::printf("%-28s %7.1f pairs/s   %6.2f ms of processor time a pair   (medians of %zu rounds)\n", what,
              count / median(wall), 1e3 * median(user) / count, rounds.size());
}

int run(int argc, char** argv) {
  const auto number = [&](int place, size_t usual) {
    return argc > place ? static_cast<size_t>(std::strtoul(argv[place], nullptr, 10)) : usual;
  };
  const size_t pairs = number(2, 64), rounds = number(3, 5);
  CaptionerConfig config{.device = "cpu", .threads = static_cast<int>(number(4, 1)), .feature_cache = 0};
  if (argc > 5) config.dtype = value_named<Precision>(argv[5]).value();
  std::vector<synth::SyntheticPair> drawn;
  for (size_t i = 0; i < pairs; ++i) drawn.push_back(synth::generate_pair({}, static_cast<int64_t>(i)));
  const auto joining = static_cast<int64_t>(number(6, 4));
  generate::CaptionService service(Captioner::load(argv[1], config),
                                   {.rows = kClients, .joining = joining, .pair_cache = 0});
  std::vector<std::string> alone(pairs), served(pairs);
  std::vector<Spent> one_by_one, together;
  for (size_t round = 0; round < rounds + 1; ++round) {
    const auto start = service.captioner().timings();
    one_by_one.push_back(timed([&] {
      for (size_t i = 0; i < pairs; ++i)
        alone[i] = service.captioner().caption(drawn[i].before.view(), drawn[i].after.view()).text;
    }));
    const auto middle = service.captioner().timings();
    together.push_back(timed([&] {
      std::vector<std::jthread> clients;
      for (size_t client = 0; client < kClients; ++client) {
        clients.emplace_back([&, client] {
          for (size_t i = client; i < pairs; i += kClients) served[i] = answer(service, drawn[i]);
        });
      }
    }));
    if (round == rounds) {
      print_stages("one after another", middle, start);
      print_stages("service, 8 rows", service.captioner().timings(), middle);
    }
    if (round > 0) continue;  // the first one warms up
    one_by_one.clear();
    together.clear();
  }
  print("one after another", one_by_one, pairs);
  print("service, 8 rows", together, pairs);
  const auto counters = service.counters();
  size_t equal = 0;
  for (size_t i = 0; i < pairs; ++i) equal += alone[i] == served[i] ? 1 : 0;
  std::printf("%zu of %zu captions equal, %.1f rows per step, e.g. \"%s\"\n", equal, pairs,
              static_cast<double>(counters.step_rows) / static_cast<double>(counters.steps),
              served[0].c_str());
  return equal == pairs ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace ccexpert

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: service_bench MODEL [PAIRS [ROUNDS [THREADS [DTYPE [JOINING]]]]]\n");
    return EXIT_FAILURE;
  }
  return ccexpert::run(argc, argv);
}
