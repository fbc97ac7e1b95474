// The only file with Boost.Beast, which parses requests.
#include "serve/connection.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <random>
#include <utility>

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "serve/body_memory.h"

namespace ccexpert::serve {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

/// Bytes that a client may still send after an answer that refused its body: a close with unread bytes would
/// take the answer from the client.
constexpr size_t kMostDiscarded = size_t{256} << 10;
constexpr std::chrono::seconds kDiscarding(1);
constexpr size_t kLongestId = 64;
constexpr size_t kMostHeaders = 100;

Clock::duration seconds(double value) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
}

/// Stream as Beast reads one. Every read has two deadlines: that of the message, and one after the last byte.
class Reader {
 public:
  explicit Reader(ByteStream& stream) : stream_(stream) {}

  void allow(Clock::duration all, Clock::duration each) {
    end_ = Clock::now() + all;
    each_ = each;
  }

  template <class Buffers>
  size_t read_some(const Buffers& buffers, error_code& error) {
    for (const auto buffer : beast::buffers_range_ref(buffers)) {
      if (buffer.size() > 0) return read(static_cast<char*>(buffer.data()), buffer.size(), error);
    }
    error = {};
    return 0;
  }
  template <class Buffers>
  size_t read_some(const Buffers& buffers) {
    error_code error;
    const auto size = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return size;
  }

 private:
  size_t read(char* data, size_t size, error_code& error) {
    const auto moved = stream_.read(data, size, std::min(end_, Clock::now() + each_));
    error = {};
    if (moved.end == StreamEnd::kClosed) error = boost::asio::error::eof;
    if (moved.end == StreamEnd::kBroken) error = boost::asio::error::connection_reset;
    if (moved.end == StreamEnd::kTimeout) error = boost::asio::error::timed_out;
    return moved.bytes;
  }

  ByteStream& stream_;
  Clock::time_point end_ = Clock::time_point::max();
  Clock::duration each_ = std::chrono::hours(1);
};

/// Returns the id that a client or a proxy gave to the request if it is a plain word, else a new one.
std::string id_of(const Request& request, uint64_t number) {
  const auto given = request.header(kRequestId);
  const auto plain = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
  };
  if (!given.empty() && given.size() <= kLongestId && std::all_of(given.begin(), given.end(), plain))
    return std::string(given);
  static const uint32_t run = std::random_device()();
  return fmt::format("{:08x}-{:06x}", run, number);
}

/// Phase in which a connection waits for its client. It starts anew with every kProgress bytes: a client that
/// moves them is not slow.
class Progress {
 public:
  Progress(ConnectionState& state, Phase phase) : state_(state), phase_(phase) { state_.set(phase_); }

  void add(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ < kProgress) return;
    bytes_ = 0;
    state_.set(phase_);
  }

 private:
  static constexpr size_t kProgress = size_t{64} << 10;
  ConnectionState& state_;
  Phase phase_;
  size_t bytes_ = 0;
};

/// Returns path and query of a target. One in absolute form also names the host, in place of the header
/// (RFC 9112, section 3.2.2).
std::string origin_form(const std::string& target, std::vector<Header>& headers) {
  const auto mark = target.find("://");
  const auto scheme = std::string_view(target).substr(0, mark);
  if (!same_word(scheme, "http") && !same_word(scheme, "https")) return target;
  const auto start = mark + 3, end = std::min(target.find('/', start), target.size());
  for (auto& each : headers) {
    if (same_word(each.name, "Host")) each.value = target.substr(start, end - start);
  }
  return end == target.size() ? "/" : target.substr(end);
}

std::string head_text(const Reply& reply, std::string_view framing, bool keep) {
  auto text = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %T} GMT\r\nServer: ccexpert\r\n",
                          reply.status, reason_of(reply.status), fmt::gmtime(std::time(nullptr)));
  if (!reply.type.empty()) text += fmt::format("Content-Type: {}\r\n", reply.type);
  for (const auto& [name, value] : reply.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (!framing.empty()) text += fmt::format("{}\r\n", framing);
  return text + (keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

class Connection : public Exchange {
 public:
  explicit Connection(const ConnectionParts& parts)
      : parts_(parts),
        reader_(parts.stream),
        buffer_(static_cast<size_t>(parts.limits.max_header) + (size_t{64} << 10)),
        memory_(parts.server.bodies, parts.limits.max_bodies) {}

  void run() {
    while (serve_one()) continue;
    parts_.stream.end_writing();
    if (discard_) discard();
  }

  bool client_left() override { return left_ || parts_.server.stopping || has_left(parts_.descriptor); }

  void start(const Reply& head) override {
    auto complete = head;
    parts_.site.complete(request_, complete);
    status_ = head.status;
    is_chunked_ = version_ >= 11;
    // HTTP/1.0 knows no chunks: the answer ends with the connection.
    if (!is_chunked_) keep_ = false;
    send(head_text(complete, is_chunked_ ? "Transfer-Encoding: chunked" : "", keep_));
    is_streaming_ = true;
  }

  void note_failure(int status) override { status_ = status; }

  void release_body() override {
    std::string().swap(request_.body);
    memory_.release();
  }

  void write(std::string_view text) override {
    if (text.empty()) return;
    send(is_chunked_ ? fmt::format("{:x}\r\n{}\r\n", text.size(), text) : std::string(text));
  }

 private:
  using Parser = http::request_parser<http::string_body>;

  /// Returns true if another request may follow.
  bool serve_one() {
    Parser parser;
    parser.header_limit(static_cast<uint32_t>(parts_.limits.max_header));
    // The length is checked after the key, by the site.
    parser.body_limit(UINT64_MAX);
    request_ = {};
    route_ = nullptr;
    status_ = 0;
    sent_ = 0;
    is_streaming_ = keep_ = left_ = false;
    patience_ = seconds(parts_.limits.answer_timeout);
    memory_.release();
    if (!read_header(parser)) return false;
    started_ = Clock::now();
    parts_.state.set(Phase::kBusy);
    try {
      take_header(parser);
      answer(parser);
    } catch (const ClientLeft&) {
      left_ = true;
      keep_ = false;
      status_ = 499;
      parts_.site.metrics().refused("client_left");
    }
    report();
    return keep_ && !parts_.server.draining;
  }

  /// Waits for a request and reads its header. Returns false if the connection ends.
  bool read_header(Parser& parser) {
    error_code error;
    if (buffer_.size() == 0) {
      parts_.state.set(Phase::kIdle);
      // A server that ends shuts those that are idle. One that was not yet idle then looks for itself, and
      // reads only bytes that have come.
      const auto patience = parts_.server.draining ? 0.0 : parts_.limits.idle_timeout;
      reader_.allow(seconds(patience), std::chrono::hours(1));
      const auto got = reader_.read_some(buffer_.prepare(size_t{16} << 10), error);
      buffer_.commit(got);
      if (error) return false;
    }
    parts_.state.set(Phase::kHeader);
    reader_.allow(seconds(parts_.limits.header_timeout), std::chrono::hours(1));
    http::read_header(reader_, buffer_, parser, error);
    if (!error) return true;
    started_ = Clock::now();
    refuse_unread(error);
    return false;
  }

  /// Answers a header or body that could not be read, if the client can still hear it.
  void refuse_unread(const error_code& error) {
    keep_ = false;
    if (error == boost::asio::error::eof || error == http::error::end_of_stream ||
        error == http::error::partial_message || error == boost::asio::error::connection_reset)
      return;
    if (request_.id.empty()) request_.id = id_of(request_, ++parts_.server.requests);
    request_.peer = parts_.peer;
    try {
      send_reply(refusal_of(unread_error(error)));
    } catch (const ClientLeft&) {
      status_ = 499;
    }
    discard_ = true;
    if (!is_reported_later_) report();
  }

  HttpError unread_error(const error_code& error) const {
    if (error == boost::asio::error::timed_out)
      return {408, "the request did not arrive in time (send it without pauses)", "timeout"};
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return {431, fmt::format("header: expected at most {} bytes, got more", parts_.limits.max_header),
              "header_too_large"};
    }
    if (error == http::error::body_limit) {
      return {413, fmt::format("body: expected at most {} bytes, got more", parts_.limits.max_body),
              "body_too_large"};
    }
    return {400, fmt::format("expected a request of HTTP/1.1, got other bytes ({})", error.message()),
            "bad_request"};
  }

  void take_header(const Parser& parser) {
    const auto& message = parser.get();
    version_ = message.version();
    request_.method = std::string(message.method_string());
    for (const auto& field : message)
      request_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    const auto target = origin_form(std::string(message.target()), request_.headers);
    const auto mark = target.find('?');
    request_.path = target.substr(0, mark);
    if (mark != std::string::npos) request_.query = target.substr(mark + 1);
    constexpr uint64_t kMost = INT64_MAX;
    request_.length =
        parser.chunked() ? -1 : static_cast<int64_t>(std::min(kMost, parser.content_length().value_or(0)));
    request_.peer = parts_.peer;
    request_.started = started_;
    request_.id = id_of(request_, ++parts_.server.requests);
    keep_ = parser.keep_alive() && !parts_.server.draining;
  }

  void expect_plain_header() const {
    if (version_ != 11 && version_ != 10) throw HttpError(505, "expected HTTP/1.1 or HTTP/1.0");
    if (request_.headers.size() > kMostHeaders) throw HttpError(431, "header: expected at most 100 lines");
    if (version_ == 11 && request_.count("Host") != 1) throw HttpError(400, "Host: expected it once");
    if (!request_.path.starts_with('/')) throw HttpError(400, "expected a path as target");
    const auto codings = request_.count("Transfer-Encoding");
    if (codings == 0) return;
    if (version_ != 11) throw HttpError(400, "Transfer-Encoding: expected none in HTTP/1.0");
    if (codings != 1 || !same_word(trimmed(request_.header("Transfer-Encoding")), "chunked"))
      throw HttpError(400, "Transfer-Encoding: expected chunked");
  }

  void answer(Parser& parser) {
    try {
      const bool keep = std::exchange(keep_, false);
      expect_plain_header();
      keep_ = keep;
      if (const auto reply = parts_.site.options(request_)) return send_unread(*reply, parser);
      route_ = &parts_.site.admit(request_);
    } catch (const std::exception& error) {
      return send_unread(refusal_of(error), parser);
    }
    try {
      if (!read_body(parser)) return;
    } catch (const HttpError& error) {
      return send_unread(refusal_of(error), parser);
    }
    handle();
  }

  /// Sends a reply before the body is read: a body that would follow is not read.
  void send_unread(const Reply& reply, const Parser& parser) {
    if (!parser.is_done()) {
      keep_ = false;
      discard_ = true;
    }
    send_reply(reply);
  }

  bool read_body(Parser& parser) {
    if (!parser.is_done()) {
      if (!request_.header("Expect").empty()) send("HTTP/1.1 100 Continue\r\n\r\n");
      if (const auto error = receive(parser)) {
        is_reported_later_ = true;
        refuse_unread(error);
        if (status_ == 0) throw ClientLeft();
        return false;
      }
    }
    request_.body = std::move(parser.get().body());
    request_.received = request_.body.size();
    parts_.state.set(Phase::kBusy);
    return true;
  }

  /// Reads the body, and counts its bytes as they come. Throws HttpError 503 if there is no memory for them.
  error_code receive(Parser& parser) {
    parser.body_limit(static_cast<uint64_t>(parts_.limits.max_body));
    reader_.allow(seconds(parts_.limits.body_timeout), seconds(parts_.limits.slow_timeout));
    Progress progress(parts_.state, Phase::kBody);
    error_code error;
    while (!parser.is_done() && !error) {
      progress.add(http::read_some(reader_, buffer_, parser, error));
      memory_.grow_to(static_cast<int64_t>(parser.get().body().size()));
    }
    return error;
  }

  void handle() {
    std::optional<Reply> reply;
    try {
      reply = route_->handler(request_, *this);
    } catch (const std::exception& error) {
      reply = refusal_of(error);
      // After the start of a stream, only its end can tell.
      if (is_streaming_) return break_off(reply->status);
    }
    if (reply) return send_reply(*reply);
    if (is_streaming_ && is_chunked_) send("0\r\n\r\n");
  }

  /// Ends an answer without its last chunk.
  void break_off(int status) {
    note_failure(status);
    keep_ = false;
  }

  Reply refusal_of(const std::exception& error) const {
    parts_.site.metrics().refused(error);
    return route_ != nullptr ? route_->refusal(error, request_.id) : error_reply(error, request_.id);
  }

  void send_reply(Reply reply) {
    parts_.site.complete(request_, reply);
    status_ = reply.status;
    if (parts_.server.draining) keep_ = false;
    const bool has_body = reply.status != 204;
    auto text = head_text(
        reply, has_body ? fmt::format("Content-Length: {}", reply.body.size()) : std::string(), keep_);
    if (has_body && request_.method != "HEAD") text += reply.body;
    send(text);
  }

  /// Throws ClientLeft if the client does not take the text. All waits of an answer are counted together.
  void send(std::string_view text) {
    Progress progress(parts_.state, Phase::kWriting);
    const auto start = Clock::now();
    while (!text.empty()) {
      const auto each = Clock::now() + seconds(parts_.limits.slow_timeout);
      const auto moved = parts_.stream.write(text, std::min(each, start + patience_));
      if (moved.end != StreamEnd::kNone) throw ClientLeft();
      progress.add(moved.bytes);
      sent_ += moved.bytes;
      text.remove_prefix(moved.bytes);
    }
    patience_ -= Clock::now() - start;
    parts_.state.set(Phase::kBusy);
  }

  void discard() {
    std::array<char, 8192> bytes;
    size_t all = 0;
    const auto end = Clock::now() + kDiscarding;
    while (all < kMostDiscarded) {
      const auto moved = parts_.stream.read(bytes.data(), bytes.size(), end);
      if (moved.end != StreamEnd::kNone) return;
      all += moved.bytes;
    }
  }

  void report() {
    const std::chrono::duration<double> took = Clock::now() - started_;
    parts_.site.report({request_, status_, sent_, took.count()}, route_);
  }

  ConnectionParts parts_;
  Reader reader_;
  beast::flat_buffer buffer_;
  Request request_;
  const Route* route_ = nullptr;
  BodyMemory memory_;
  Clock::time_point started_;
  Clock::duration patience_{};  ///< time that the client still has to take the answer
  unsigned version_ = 11;
  int status_ = 0;
  uint64_t sent_ = 0;
  bool keep_ = false;
  bool is_streaming_ = false;
  bool is_chunked_ = false;
  bool left_ = false;
  bool discard_ = false;
  bool is_reported_later_ = false;
};

}  // namespace

void serve_connection(const ConnectionParts& parts) {
  Connection(parts).run();
}

}  // namespace ccexpert::serve
