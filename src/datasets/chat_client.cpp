#include "datasets/chat_client.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>

#include <curl/curl.h>
#include <fmt/format.h>

#include "core/json.h"
#include "data/counter_random.h"
#include "datasets/json_fields.h"
#include "datasets/sink.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kMaxAnswerBytes = size_t{16} << 20;
constexpr double kLongestWait = 120.0;

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

/// One connection a thread, kept for its next request.
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

/// What one try gave.
struct Reply {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string text;
  double retry_after = 0.0;  ///< seconds, 0 where the server does not say
};

Headers headers_of(const EndpointOptions& options) {
  curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
  // No "100-continue": servers of models answer at once.
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

/// The server's own words about a refusal, on one line.
std::string reason_of(const Reply& reply) {
  const auto parsed = json::parse(reply.text, nullptr, false);
  const auto error = parsed.is_object() ? parsed.find("error") : parsed.end();
  std::string text = reply.text;
  if (parsed.is_object() && error != parsed.end()) {
    const bool has_message =
        error->is_object() && error->contains("message") && (*error)["message"].is_string();
    text = has_message ? (*error)["message"].get<std::string>() : error->dump();
  }
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return fmt::format("status {}: {:.300}", reply.status, text);
}

bool passes(const Reply& reply) {
  if (reply.code != CURLE_OK) {
    return reply.code != CURLE_URL_MALFORMAT && reply.code != CURLE_UNSUPPORTED_PROTOCOL &&
           reply.code != CURLE_PEER_FAILED_VERIFICATION;
  }
  return reply.status == 408 || reply.status == 409 || reply.status == 429 || reply.status >= 500;
}

ChatAnswer parsed(const Reply& reply, const std::string& url) {
  const auto body = parse_json(reply.text, url);
  const auto& choices = list_field(body, "choices");
  if (choices.empty()) fail({url + ": choices", "at least one", "none"});
  ChatAnswer answer;
  const auto& message = field_of(choices[0], "message", "a message");
  if (const auto text = message.find("content"); text != message.end() && text->is_string())
    answer.text = *text;
  answer.finish = json_value<std::string>(choices[0], "finish_reason", "stop", url);
  const auto usage = body.find("usage");
  if (usage != body.end() && usage->is_object()) {
    answer.prompt_tokens = json_value<int64_t>(*usage, "prompt_tokens", 0, url);
    answer.answer_tokens = json_value<int64_t>(*usage, "completion_tokens", 0, url);
  }
  return answer;
}

/// Sleeps, and throws Stopped where a stop comes first.
void wait(double seconds, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  if (stop.stop_requested()) throw Stopped{};
}

[[noreturn]] void refuse(const Reply& reply, const std::string& url) {
  if (reply.code != CURLE_OK) throw EndpointError(fmt::format("{}: {}", url, curl_easy_strerror(reply.code)));
  const auto text = fmt::format("{}: {}", url, reason_of(reply));
  // One request may be too long or not to the server's liking; a wrong key is wrong for all.
  const bool for_all = reply.status == 401 || reply.status == 403 || reply.status == 404 ||
                       reply.status == 405 || (reply.status >= 300 && reply.status < 400);
  if (for_all) throw EndpointError(text);
  throw Error(text);
}

}  // namespace

ordered_json chat_request(const EndpointOptions& options, const ordered_json& messages) {
  return {{"model", options.model},
          {"messages", messages},
          {"temperature", options.temperature},
          {"max_tokens", options.max_tokens}};
}

ChatClient::ChatClient(const EndpointOptions& options) : options_(options) {
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
  if (!options_.base_url.starts_with("http://") && !options_.base_url.starts_with("https://")) {
    fail({"base URL", "http://... or https://...", fmt::format("'{}'", options_.base_url)});
  }
  if (options_.key.find_first_of("\r\n") != std::string::npos) fail("key", "holds a line break");
  start_curl();
}

ChatAnswer ChatClient::ask(const std::string& body, const std::stop_token& stop) {
  for (int64_t attempt = 0;; ++attempt) {
    if (stop.stop_requested()) throw Stopped{};
    const auto reply = send(options_, body);
    if (reply.code == CURLE_OK && reply.status == 200) return parsed(reply, options_.base_url);
    if (!passes(reply) || attempt >= options_.retries) refuse(reply, options_.base_url);
    ++retries_;
    // Up to half longer, so that threads that were refused together do not come back together.
    const double random = static_cast<double>(data::splitmix64(++jitter_) >> 11) * 0x1p-53;
    const double backoff =
        options_.backoff_seconds * std::exp2(static_cast<double>(attempt)) * (1.0 + 0.5 * random);
    wait(reply.retry_after > 0 ? reply.retry_after : std::min(backoff, kLongestWait), stop);
  }
}

}  // namespace ccexpert::datasets
