#include "serve/api_keys.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "serve/http.h"

namespace ccexpert::serve {
namespace {

constexpr size_t kLargestFile = size_t{1} << 20;

std::array<unsigned char, 32> digest_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace

ApiKeys::Key ApiKeys::parsed(std::string_view line, const std::string& place, size_t number) {
  const auto colon = line.find(':');
  const bool named = colon != std::string_view::npos;
  const auto key = trimmed(named ? line.substr(colon + 1) : line);
  // The message must not repeat what may be a secret.
  if (key.size() < kShortestKey) {
    fail_expected({place, fmt::format("a key of at least {} characters", kShortestKey),
                   fmt::format("{}", key.size()), "openssl rand -hex 24"});
  }
  const auto name = named ? std::string(trimmed(line.substr(0, colon))) : fmt::format("line {}", number);
  return {name, digest_of(key)};
}

std::vector<ApiKeys::Key> ApiKeys::read() const {
  std::istringstream lines(read_file(file_, kLargestFile));
  std::vector<Key> keys;
  std::string line;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    const auto text = trimmed(line);
    if (text.empty() || text.front() == '#') continue;
    const auto place = fmt::format("{}:{}", file_.string(), number);
    auto key = parsed(text, place, number);
    const bool repeats =
        std::any_of(keys.begin(), keys.end(), [&](const Key& each) { return each.digest == key.digest; });
    if (repeats) fail(place, "the key is there twice");
    keys.push_back(std::move(key));
  }
  if (keys.empty()) fail_expected({file_.string(), "at least one API key", "none"});
  return keys;
}

ApiKeys::ApiKeys(std::filesystem::path file) : file_(std::move(file)), keys_(read()) {}

void ApiKeys::reload() {
  auto keys = read();
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

std::optional<std::string> ApiKeys::name_of(std::string_view key) const {
  const auto digest = digest_of(key);
  const std::lock_guard lock(mutex_);
  std::optional<std::string> name;
  // All keys are compared, so that the time tells nothing about which one was nearly right.
  for (const auto& each : keys_) {
    if (CRYPTO_memcmp(each.digest.data(), digest.data(), digest.size()) == 0) name = each.name;
  }
  return name;
}

}  // namespace ccexpert::serve
