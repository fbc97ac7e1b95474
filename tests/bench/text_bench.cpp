// Tokenizer speed in bytes of text. CCEXPERT_BENCH_TOKENIZER names a folder with a full vocabulary; without
// it only the small one of the test checkpoint runs.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <ccexpert/text/prompt.h>
#include <ccexpert/text/tokenizer.h>

#include "core/files.h"
#include "support/paths.h"
#include "text/shared/stream_decoder.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;

std::string caption() {
  return "a residential area with several houses and a winding road replaces the forest in the north .";
}

/// English as people write it, a few kilobytes with the usual share of repeated words.
std::string prose() {
  return read_file(fs::path(test::kSourceDir) / "LICENSE");
}

/// Words that never come again, so that nothing a tokenizer remembers helps it.
std::string new_words() {
  constexpr size_t kBytes = 16384;
  std::mt19937 random(1);
  std::string text;
  while (text.size() < kBytes) {
    const size_t letters = 4 + random() % 8;
    for (size_t i = 0; i < letters; ++i) text += static_cast<char>('a' + random() % 26);
    text += ' ';
  }
  return text;
}

std::string non_ascii() {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "Où est l'église détruite ? 建筑物出现在道路旁边。 ";
  return text;
}

void encode(benchmark::State& state, const Tokenizer& tokenizer, const std::string& text) {
  size_t tokens = 0;
  for (auto _ : state) {
    const auto ids = tokenizer.encode(text);
    tokens += ids.size();
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
}

void encode_question(benchmark::State& state, const Tokenizer& tokenizer) {
  for (auto _ : state) benchmark::DoNotOptimize(encode_prompt(tokenizer, kReferenceQuestion, {}));
}

void decode_stream(benchmark::State& state, const Tokenizer& tokenizer) {
  const auto text = prose();
  const auto ids = tokenizer.encode(text);
  for (auto _ : state) {
    StreamDecoder decoder(tokenizer);
    for (const int64_t id : ids) benchmark::DoNotOptimize(decoder.push(id));
    benchmark::DoNotOptimize(decoder.finish());
  }
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
  state.SetItemsProcessed(static_cast<int64_t>(ids.size()) * state.iterations());
}

void decode_whole(benchmark::State& state, const Tokenizer& tokenizer) {
  const auto text = prose();
  const auto ids = tokenizer.encode(text);
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.decode(ids));
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
}

void load(benchmark::State& state, const fs::path& folder) {
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::load(folder));
}

void add_benchmarks(const std::string& vocabulary, const fs::path& folder) {
  // Kept to the end of the process: the benchmarks run after this function returned.
  const std::shared_ptr<const Tokenizer> tokenizer = Tokenizer::load(folder);
  const auto add = [&](const std::string& name, std::function<void(benchmark::State&)> run) {
    benchmark::RegisterBenchmark((name + "/" + vocabulary).c_str(), std::move(run));
  };
  const std::vector<std::pair<std::string, std::string>> texts{
      {"caption", caption()}, {"prose", prose()}, {"new_words", new_words()}, {"non_ascii", non_ascii()}};
  for (const auto& [name, text] : texts) {
    add("encode_" + name, [tokenizer, text = text](auto& state) { encode(state, *tokenizer, text); });
  }
  add("encode_question", [tokenizer](auto& state) { encode_question(state, *tokenizer); });
  add("decode_stream", [tokenizer](auto& state) { decode_stream(state, *tokenizer); });
  add("decode_whole", [tokenizer](auto& state) { decode_whole(state, *tokenizer); });
  add("load", [folder](auto& state) { load(state, folder); });
}

const bool kRegistered = [] {
  add_benchmarks("tiny", fs::path(test::kTestData) / "checkpoint-tiny");
  if (const char* folder = std::getenv("CCEXPERT_BENCH_TOKENIZER")) add_benchmarks("full", folder);
  return true;
}();

}  // namespace
}  // namespace ccexpert::text
