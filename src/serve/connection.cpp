#include "serve/connection.h"

#include <algorithm>
#include <array>
#include <optional>
#include <random>

#include <fmt/format.h>

#include "serve/refused_clients.h"
#include "serve/reply_writer.h"
#include "serve/request_reader.h"

namespace ccexpert::serve {
namespace {

constexpr size_t kLongestId = 64;
/// Status, for log and counters, of a request whose client has left, and of one that the server's end cut
/// off.
constexpr int kClientLeft = 499, kGivenUp = 503;

/// Returns the id that a client or a proxy gave to the request if it is a plain word, else a new one.
std::string id_of(const Request& request, ServerState& server) {
  const auto given = request.header(kRequestId);
  const auto plain = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
  };
  if (!given.empty() && given.size() <= kLongestId && std::all_of(given.begin(), given.end(), plain))
    return std::string(given);
  return new_id(server);
}

class Connection : public Exchange {
 public:
  explicit Connection(const ConnectionParts& parts)
      : parts_(parts),
        reader_(parts.stream, parts.limits, parts.server, parts.state),
        writer_(parts.stream, parts.limits, parts.state) {}

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
    // HTTP/1.0 knows no chunks: the answer ends with the connection.
    const bool in_chunks = reader_.is_http11();
    keep_ = keep_ && in_chunks && !parts_.server.draining;
    writer_.start(complete, in_chunks, keep_);
  }

  void note_failure(int status) override { status_ = status; }
  void release_body() override { reader_.release_body(request_); }
  void write(std::string_view text) override { writer_.write(text); }

 private:
  /// Returns true if another request may follow.
  bool serve_one() {
    request_ = {};
    route_ = nullptr;
    status_ = 0;
    keep_ = left_ = false;
    writer_.begin();
    try {
      if (!take_request()) return false;
    } catch (const ClientLeft&) {
      left_ = true;
      keep_ = false;
      status_ = parts_.server.stopping ? kGivenUp : kClientLeft;
    }
    report();
    return keep_ && !parts_.server.draining;
  }

  /// Reads and answers a request. Returns false if the connection ends before one.
  bool take_request() {
    std::optional<Reply> early;
    try {
      if (!reader_.read_header(request_)) return false;
      name_request();
      early = admitted();
      if (!early) read_body();
    } catch (const std::exception& error) {
      name_request();
      early = refusal_of(error);
    }
    if (early) {
      send_unread(*early);
    } else {
      handle();
    }
    return true;
  }

  /// Gives a request its id and its client, unless it has them.
  void name_request() {
    if (!request_.id.empty()) return;
    parts_.state.set(Phase::kBusy);
    request_.started = Clock::now();
    request_.peer = parts_.peer;
    request_.id = id_of(request_, parts_.server);
  }

  /// Finds the route of a request, or returns the reply to OPTIONS.
  std::optional<Reply> admitted() {
    reader_.expect_valid(request_);
    keep_ = reader_.keeps_alive() && !parts_.server.draining;
    if (auto reply = parts_.site.options(request_)) return reply;
    route_ = &parts_.site.admit(request_);
    return std::nullopt;
  }

  void read_body() {
    if (!reader_.is_complete() && reader_.is_http11() && !request_.header("Expect").empty())
      writer_.send_text("HTTP/1.1 100 Continue\r\n\r\n");
    reader_.read_body(request_);
  }

  /// Sends a reply before the whole request is read: its rest is not read as another one.
  void send_unread(const Reply& reply) {
    if (!reader_.is_complete()) {
      keep_ = false;
      discard_ = true;
    }
    send_reply(reply);
  }

  void handle() {
    std::optional<Reply> reply;
    try {
      reply = route_->handler(request_, *this);
    } catch (const std::exception& error) {
      reply = refusal_of(error);
      // After the start of a stream, only its end without a last chunk can tell.
      if (writer_.is_streaming()) {
        status_ = reply->status;
        keep_ = false;
        return;
      }
    }
    if (reply) return send_reply(*reply);
    if (writer_.is_streaming()) writer_.finish();
  }

  Reply refusal_of(const std::exception& error) const {
    parts_.site.metrics().refused(error);
    return error_reply(error, request_.id);
  }

  void send_reply(Reply reply) {
    parts_.site.complete(request_, reply);
    status_ = reply.status;
    if (parts_.server.draining) keep_ = false;
    writer_.send(reply, {.keeps = keep_, .has_body = request_.method != "HEAD"});
  }

  /// Reads what a refused client still sends: a close with unread bytes would take the answer from it.
  void discard() {
    std::array<char, size_t{64} << 10> bytes;
    const auto end = Clock::now() + RefusedClients::kPatience;
    Progress progress(parts_.state, Phase::kBody);
    Moved moved;
    while (moved.end == StreamEnd::kNone && Clock::now() < end) {
      moved = parts_.stream.read(bytes.data(), bytes.size(), end);
      progress.add(moved.bytes);
    }
  }

  void report() {
    const std::chrono::duration<double> took = Clock::now() - request_.started;
    parts_.site.report({request_, status_, writer_.sent(), took.count()}, route_);
  }

  ConnectionParts parts_;
  RequestReader reader_;
  ReplyWriter writer_;
  Request request_;
  const Route* route_ = nullptr;
  int status_ = 0;
  bool keep_ = false;
  bool left_ = false;
  bool discard_ = false;
};

}  // namespace

std::string new_id(ServerState& server) {
  static const uint32_t run = std::random_device()();
  return fmt::format("{:08x}-{:06x}", run, ++server.requests);
}

void serve_connection(const ConnectionParts& parts) {
  Connection(parts).run();
}

}  // namespace ccexpert::serve
