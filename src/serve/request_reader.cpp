// The only file with Boost.Beast, which parses requests.
#include "serve/request_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include "serve/body_memory.h"

namespace ccexpert::serve {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;
using Parser = http::request_parser<http::string_body>;

constexpr size_t kMostHeaders = 100;
constexpr unsigned kHttp10 = 10, kHttp11 = 11;

/// Stream as Beast reads one. Every read has two deadlines: that of the message, and one after the last byte.
class TimedStream {
 public:
  explicit TimedStream(ByteStream& stream) : stream_(stream) {}

  void allow(Clock::duration all, Clock::duration each = std::chrono::hours(1)) {
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

/// True if the client ended the connection: nobody hears an answer.
bool is_end(const error_code& error) {
  return error == boost::asio::error::eof || error == http::error::end_of_stream ||
         error == http::error::partial_message || error == boost::asio::error::connection_reset;
}

HttpError unread_error(const error_code& error, const ServerLimits& limits) {
  if (error == boost::asio::error::timed_out)
    return {408, "the request did not arrive in time (send it without pauses)", "timeout"};
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return {431, fmt::format("header: expected at most {} bytes, got more", limits.max_header),
            "header_too_large"};
  if (error == http::error::body_limit) return body_too_large(limits.max_body, "more");
  return {400, fmt::format("expected a request of HTTP/1.1, got other bytes ({})", error.message()),
          "bad_request"};
}

}  // namespace

struct RequestReader::State {
  State(ByteStream& bytes, const ServerLimits& all_limits, ServerState& shared, ConnectionState& own)
      : limits(all_limits),
        server(shared),
        state(own),
        stream(bytes),
        timed(bytes),
        buffer(static_cast<size_t>(limits.max_header) + (size_t{64} << 10)),
        memory(server.bodies, limits.max_bodies) {}

  const ServerLimits& limits;
  ServerState& server;
  ConnectionState& state;
  ByteStream& stream;
  TimedStream timed;
  beast::flat_buffer buffer;
  BodyMemory memory;
  std::optional<Parser> parser;  ///< of the request that is read

  Parser& current() { return parser.value(); }
  bool wait_for_bytes();
  void take_header(Request& request);
  error_code receive();
};

/// Returns false if the connection ends before the first byte of a request.
bool RequestReader::State::wait_for_bytes() {
  if (buffer.size() > 0) return true;
  state.set(Phase::kIdle);
  const auto place = buffer.prepare(size_t{16} << 10);
  const auto moved = stream.read_first(static_cast<char*>(place.data()), place.size(),
                                       Clock::now() + duration_of(limits.idle_timeout));
  buffer.commit(moved.bytes);
  return moved.end == StreamEnd::kNone;
}

void RequestReader::State::take_header(Request& request) {
  const auto& message = current().get();
  request.method = std::string(message.method_string());
  for (const auto& field : message)
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  const auto target = origin_form(std::string(message.target()), request.headers);
  const auto mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  constexpr uint64_t kMost = INT64_MAX;
  request.length = current().chunked()
                       ? -1
                       : static_cast<int64_t>(std::min(kMost, current().content_length().value_or(0)));
}

/// Counts the bytes of a body as they come. Throws HttpError 503 if there is no memory for them.
error_code RequestReader::State::receive() {
  auto& body = current();
  body.body_limit(static_cast<uint64_t>(limits.max_body));
  timed.allow(duration_of(limits.body_timeout), duration_of(limits.slow_timeout));
  Progress progress(state, Phase::kBody);
  error_code error;
  while (!body.is_done() && !error) {
    progress.add(http::read_some(timed, buffer, body, error));
    memory.grow_to(static_cast<int64_t>(body.get().body().size()));
  }
  return error;
}

RequestReader::RequestReader(ByteStream& stream, const ServerLimits& limits, ServerState& server,
                             ConnectionState& state)
    : state_(std::make_unique<State>(stream, limits, server, state)) {}
RequestReader::~RequestReader() = default;

bool RequestReader::read_header(Request& request) {
  auto& [limits, server, state, stream, timed, buffer, memory, parser] = *state_;
  memory.release();
  auto& header = parser.emplace();
  header.header_limit(static_cast<uint32_t>(limits.max_header));
  // The length is checked after the key, by the site.
  header.body_limit(UINT64_MAX);
  if (!state_->wait_for_bytes()) return false;
  state.set(Phase::kHeader);
  timed.allow(duration_of(limits.header_timeout));
  error_code error;
  http::read_header(timed, buffer, header, error);
  if (is_end(error)) return false;
  if (error) throw HttpError(unread_error(error, limits));
  state_->take_header(request);
  return true;
}

void RequestReader::expect_valid(const Request& request) const {
  const auto version = state_->current().get().version();
  if (version != kHttp11 && version != kHttp10) throw HttpError(505, "expected HTTP/1.1 or HTTP/1.0");
  if (request.headers.size() > kMostHeaders)
    throw HttpError(431, fmt::format("header: expected at most {} lines", kMostHeaders));
  if (version == kHttp11 && request.count("Host") != 1) throw HttpError(400, "Host: expected it once");
  if (!request.path.starts_with('/')) throw HttpError(400, "expected a path as target");
  const auto codings = request.count("Transfer-Encoding");
  if (codings == 0) return;
  if (version != kHttp11) throw HttpError(400, "Transfer-Encoding: expected none in HTTP/1.0");
  if (codings != 1 || !same_word(trimmed(request.header("Transfer-Encoding")), "chunked"))
    throw HttpError(400, "Transfer-Encoding: expected chunked");
}

bool RequestReader::is_complete() const {
  return state_->parser && state_->parser->is_done();
}

bool RequestReader::keeps_alive() const {
  return state_->parser && state_->parser->keep_alive();
}

bool RequestReader::is_http11() const {
  return state_->parser && state_->parser->get().version() >= kHttp11;
}

void RequestReader::read_body(Request& request) {
  if (!is_complete()) {
    const auto error = state_->receive();
    if (is_end(error)) throw ClientLeft();
    if (error) throw HttpError(unread_error(error, state_->limits));
  }
  request.body = std::move(state_->current().get().body());
  request.received = request.body.size();
  state_->state.set(Phase::kBusy);
}

void RequestReader::release_body(Request& request) {
  std::string().swap(request.body);
  state_->memory.release();
}

}  // namespace ccexpert::serve
