#include "datasets/chat/chat_client.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>

#include <curl/curl.h>
#include <fmt/format.h>

#include "core/counter_random.h"
#include "datasets/chat/chat_reply.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxAnswerBytes = size_t{16} << 20;
constexpr double kLongestWait = 120.0;  // seconds

struct Closer {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, Closer>;
using Headers = std::unique_ptr<curl_slist, Closer>;

void start_curl() {
  static const auto started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) fail("libcurl", curl_easy_strerror(started));
}

/// Returns this thread's connection, which is kept for its next request.
CURL* connection() {
  thread_local const Handle handle(curl_easy_init());
  if (handle == nullptr) fail("libcurl", "cannot start");
  curl_easy_reset(handle.get());
  return handle.get();
}

size_t take_bytes(const char* bytes, size_t size, size_t count, void* text) {
  auto& all = *static_cast<std::string*>(text);
  if (all.size() + size * count > kMaxAnswerBytes) return 0;
  all.append(bytes, size * count);
  return size * count;
}

/// Result of one try.
struct Reply {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string text;
  double retry_after = 0.0;  ///< seconds, 0 if the server does not set it
};

Headers headers_of(const EndpointOptions& options) {
  curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
  // Disable "100-continue": model servers accept the body immediately.
  list = curl_slist_append(list, "Expect:");
  if (!options.key.empty()) list = curl_slist_append(list, ("Authorization: Bearer " + options.key).c_str());
  return Headers(list);
}

Reply send(const EndpointOptions& options, const std::string& body) {
  Reply reply;
  CURL* handle = connection();
  const auto headers = headers_of(options);
  const auto url = options.base_url + "/chat/completions";
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &reply.text);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(1000 * options.timeout_seconds));
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  reply.code = curl_easy_perform(handle);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_off_t seconds = 0;
  curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds);
  reply.retry_after = static_cast<double>(seconds);
  return reply;
}

bool is_success(const Reply& reply) {
  return reply.code == CURLE_OK && reply.status >= 200 && reply.status < 300;
}

/// Returns the server's reason for a refusal, on one line.
std::string reason_of(const Reply& reply, const Secret& secret) {
  auto text = secret.cut(refusal_of(reply.text));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  if (is_success(reply)) {
    return fmt::format("answer: expected choices with a message, got '{:.60}' (status {})", text,
                       reply.status);
  }
  return fmt::format("status {}: {:.300}", reply.status, text);
}

/// True if the same request may succeed later. A success without an answer was truncated.
bool passes(const Reply& reply) {
  if (reply.code != CURLE_OK) {
    return reply.code != CURLE_URL_MALFORMAT && reply.code != CURLE_UNSUPPORTED_PROTOCOL &&
           reply.code != CURLE_PEER_FAILED_VERIFICATION;
  }
  return is_success(reply) || reply.status == 408 || reply.status == 409 || reply.status == 429 ||
         reply.status >= 500;
}

/// Sleeps; throws Stopped if a stop is requested first.
void wait(double seconds, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  if (stop.stop_requested()) throw Stopped{};
}

[[noreturn]] void refuse(const Reply& reply, const std::string& url, const Secret& secret) {
  if (reply.code != CURLE_OK) throw EndpointError(fmt::format("{}: {}", url, curl_easy_strerror(reply.code)));
  const auto text = fmt::format("{}: {}", url, reason_of(reply, secret));
  // A single request may be too long or rejected; a wrong key affects all requests.
  const bool for_all = reply.status == 401 || reply.status == 403 || reply.status == 404 ||
                       reply.status == 405 || (reply.status >= 300 && reply.status < 400);
  if (for_all) throw EndpointError(text);
  throw Error(text);
}

/// Throws EndpointError for a long Retry-After: a server that is down for hours refuses every request.
void expect_short_wait(const Reply& reply, const std::string& url, const Secret& secret) {
  if (reply.retry_after <= kLongestWait) return;
  throw EndpointError(
      fmt::format("{}: Retry-After: expected at most {} seconds, got {} ({}; the same command continues from "
                  "the journal)",
                  url, kLongestWait, reply.retry_after, reason_of(reply, secret)));
}

}  // namespace

ordered_json chat_request(const EndpointOptions& options, const ordered_json& messages) {
  return {{"model", options.model},
          {"messages", messages},
          {"temperature", options.temperature},
          {"max_tokens", options.max_tokens}};
}

std::string shown_url(const std::string& url) {
  const auto slashes = url.find("//");
  const auto start = slashes == std::string::npos ? 0 : slashes + 2;
  const auto at = url.rfind('@', url.find('/', start));
  return at == std::string::npos || at < start ? url : url.substr(0, start) + "***" + url.substr(at);
}

ChatClient::ChatClient(const EndpointOptions& options) : options_(options), secret_(options.key) {
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
  if (!options_.base_url.starts_with("http://") && !options_.base_url.starts_with("https://")) {
    fail_expected(
        {"base URL", "http://... or https://...", fmt::format("'{}'", shown_url(options_.base_url))});
  }
  if (options_.key.find_first_of("\r\n") != std::string::npos) fail("key", "contains a line break");
  start_curl();
}

ChatAnswer ChatClient::ask(const std::string& body, const std::stop_token& stop) {
  for (int64_t retry = 0;; ++retry) {
    if (stop.stop_requested()) throw Stopped{};
    const auto reply = send(options_, body);
    // Servers may echo the request, and their answers are written to files.
    if (const auto answer = is_success(reply) ? answer_of(reply.text) : std::nullopt) {
      return {secret_.cut(answer->text), secret_.cut(answer->finish), answer->prompt_tokens,
              answer->answer_tokens};
    }
    const auto url = shown_url(options_.base_url);
    if (!passes(reply) || retry >= options_.retries) refuse(reply, url, secret_);
    expect_short_wait(reply, url, secret_);
    ++retries_;
    wait(reply.retry_after > 0 ? reply.retry_after : pause_before(retry), stop);
  }
}

double ChatClient::pause_before(int64_t retry) {
  // Jitter of up to half the pause, so that threads refused together do not retry together.
  const double random = static_cast<double>(splitmix64(++jitter_) >> 11) * 0x1p-53;
  const double pause =
      options_.backoff_seconds * std::exp2(static_cast<double>(retry)) * (1.0 + 0.5 * random);
  return std::min(pause, kLongestWait);
}

}  // namespace ccexpert::datasets
