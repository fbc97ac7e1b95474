// Requests and replies of HTTP, without the library that reads them.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::serve {

using Clock = std::chrono::steady_clock;

/// Returns seconds as a duration of the clock.
constexpr Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

struct Header {
  std::string name, value;
};

struct Request {
  std::string method;
  std::string path;   ///< without the query
  std::string query;  ///< after "?"
  std::vector<Header> headers = {};
  std::string body = {};
  std::string id = {};                       ///< names the request in the reply and in the log
  std::string peer = {};                     ///< address of the client
  std::string key = {};                      ///< name of the API key; empty: none
  int64_t length = 0;                        ///< announced bytes of the body; -1: chunks
  size_t received = 0;                       ///< bytes of the body that came
  Clock::time_point started = Clock::now();  ///< end of its header

  /// Returns the first value of a header, or "".
  std::string_view header(std::string_view name) const;
  size_t count(std::string_view name) const;
  /// Returns the Content-Type in lower case, without its parameters.
  std::string media_type() const;
};

struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string body = {};
  std::vector<Header> headers = {};
};

/// Connection of a request that is being answered.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// True if the client has closed its connection or the server gives up its requests.
  virtual bool client_left() = 0;
  /// Frees the request's body, which is not needed any more, for other requests.
  virtual void release_body() = 0;
  /// Sends status and headers of an answer in pieces; `head.body` is not used.
  virtual void start(const Reply& head) = 0;
  /// Says that an answer in pieces tells an error, which its status could not: for counters and log.
  virtual void note_failure(int status) = 0;
  /// Sends a piece. Throws ClientLeft if the client does not take it.
  virtual void write(std::string_view text) = 0;
};

/// Thrown while nobody waits for the answer any more.
struct ClientLeft {};

/// Answers a request. Returns nothing if it has sent the answer in pieces.
using Handler = std::function<std::optional<Reply>(const Request&, Exchange&)>;

/// Returns "Not Found" for 404.
std::string_view reason_of(int status);

/// Returns the text without blanks around it.
std::string_view trimmed(std::string_view text);
/// True if the texts are equal but for the case of ASCII letters.
bool same_word(std::string_view a, std::string_view b);

}  // namespace ccexpert::serve
