#include "serve/listener.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "serve/replies.h"
#include "serve/reply_writer.h"
#include "serve/sockets.h"

namespace ccexpert::serve {
namespace {

constexpr std::chrono::milliseconds kAfterFailedAccept(50);
constexpr std::chrono::seconds kBetweenWarnings(10);
/// A connection that began to wait later than this is not closed for another one.
constexpr std::chrono::milliseconds kYoung(500);
/// Open files besides the sockets of clients.
constexpr int64_t kOtherFiles = 128;

/// Signals are for the thread that waits for them; a write to a closed socket is an error of the write.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// Returns the limits, after this process may open the files that they need.
const ServerLimits& with_open_files(const ServerLimits& limits) {
  const auto others = static_cast<int64_t>(RefusedClients::kMost) + kOtherFiles;
  const auto allowed = raise_open_files(limits.max_connections + others);
  if (allowed >= limits.max_connections + others) return limits;
  fail_expected({"--max-connections",
                 fmt::format("at most {}, since this process may open {} files", allowed - others, allowed),
                 std::to_string(limits.max_connections), "raise the hard limit of ulimit -n"});
}

/// Logs why a connection ended: in few words if there is no memory for more.
void tell_end(const char* reason) noexcept {
  try {
    log::error(fmt::format("a connection ended: {}", reason));
  } catch (...) {
    constexpr std::string_view kShort = "ccexpert error: a connection ended\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kShort.data(), kShort.size());
  }
}

HttpError full() {
  return {503, "the server has no free connection (try again later)", "too_many_connections"};
}

}  // namespace

struct Listener::Connected {
  Connected() = default;
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;
  ~Connected() { close(); }
  void close() {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }

  int descriptor = -1;
  std::string peer;
  ConnectionState state;
  std::thread thread;
};

Listener::Listener(const ServerConfig& config, Site& site, std::unique_ptr<Tls> tls)
    : limits_(with_open_files(config.limits)),
      site_(site),
      tls_(std::move(tls)),
      sockets_(listening_sockets(config)),
      port_(port_of(sockets_.front())),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      refused_(RefusedClients::kPatience) {}

Listener::~Listener() {
  drain({});
  ::close(wake_);
}

void Listener::start() {
  acceptor_ = std::thread([this] {
    block_signals();
    while (!server_.draining) try_to_accept();
  });
}

/// Without memory, the server goes on with the connections that it has.
void Listener::try_to_accept() noexcept {
  try {
    accept_some();
  } catch (const std::exception& error) {
    after_failed_accept(error.what());
  }
}

bool Listener::drain(std::chrono::milliseconds limit) {
  server_.draining = true;
  wake();
  if (acceptor_.joinable()) acceptor_.join();
  refused_.close_all();
  close_sockets();
  std::unique_lock lock(mutex_);
  const bool done = ended_.wait_for(lock, limit, [this] { return open_.empty(); });
  server_.stopping = true;
  for (const auto& each : open_) ::shutdown(each->descriptor, SHUT_RDWR);
  ended_.wait(lock, [this] { return open_.empty(); });
  lock.unlock();
  join_ended();
  return done;
}

/// Wakes the acceptor and all connections that wait for a request. The descriptor stays ready.
void Listener::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

/// New clients are refused at once, not after a wait.
void Listener::close_sockets() {
  for (const int socket : sockets_) ::close(socket);
  sockets_.clear();
}

void Listener::accept_some() {
  std::vector<pollfd> polls{{.fd = wake_, .events = POLLIN, .revents = 0}};
  for (const int socket : sockets_) polls.push_back({.fd = socket, .events = POLLIN, .revents = 0});
  const auto ours = polls.size();
  refused_.add_to(polls);
  ::poll(polls.data(), polls.size(), refused_.next_end());
  join_ended();
  refused_.look();
  if (server_.draining) return;
  for (size_t i = 1; i < ours; ++i) {
    if ((polls[i].revents & POLLIN) != 0) accept_one(polls[i].fd);
  }
}

void Listener::accept_one(int socket) {
  auto connected = std::make_unique<Connected>();
  sockaddr_storage address{};
  connected->descriptor = accepted(socket, address);
  if (connected->descriptor < 0) {
    if (errno != EAGAIN && errno != ECONNABORTED) after_failed_accept(std::generic_category().message(errno));
    return;
  }
  connected->peer = text_of(address);
  if (make_place()) connected = open(std::move(connected));
  if (connected) refuse(*connected);
}

/// Without descriptors or memory, the next try would fail at once.
void Listener::after_failed_accept(std::string_view reason) noexcept try {
  if (!free_descriptor(reason)) std::this_thread::sleep_for(kAfterFailedAccept);
} catch (...) {
  // Memory for the warning is not there either.
  std::this_thread::sleep_for(kAfterFailedAccept);
}

/// Warns, and closes a connection that waits for its client. Returns true after its end.
bool Listener::free_descriptor(std::string_view reason) {
  const auto now = Clock::now();
  if (now - warned_ > kBetweenWarnings) {
    warned_ = now;
    log::warning(fmt::format("no connection is accepted: {}", reason));
  }
  std::unique_lock lock(mutex_);
  return push_out_one(lock);
}

void Listener::refuse(Connected& client) {
  const auto error = full();
  site_.metrics().refused(error);
  // A reply without encryption would be no reply: the client is only closed.
  if (tls_) return;
  Request request;
  request.id = new_id(server_);
  request.peer = client.peer;
  auto reply = error_reply(error, request.id);
  site_.complete(request, reply);
  const auto text = ReplyWriter::text_of(reply, {});
  refused_.add(client.descriptor, text);
  client.descriptor = -1;
  site_.report({request, reply.status, text.size(), 0.0}, nullptr);
}

/// Returns true if there is place for a connection, after closing one if needed.
bool Listener::make_place() {
  std::unique_lock lock(mutex_);
  return static_cast<int64_t>(open_.size()) < limits_.max_connections || push_out_one(lock);
}

/// Closes the connection that has waited longest for its client. Returns true after its end.
bool Listener::push_out_one(std::unique_lock<std::mutex>& lock) {
  const Connected* oldest = nullptr;
  auto start = Clock::now() - kYoung;
  for (const auto& each : open_) {
    const auto [phase, since] = each->state.seen();
    if (phase == Phase::kBusy || since >= start) continue;
    oldest = each.get();
    start = since;
  }
  if (oldest == nullptr) return false;
  site_.metrics().refused("slow_connections");
  ::shutdown(oldest->descriptor, SHUT_RDWR);
  return ended_.wait_for(lock, kYoung, [this, before = open_.size()] { return open_.size() < before; });
}

/// Starts the thread of a connection. Returns the connection if there is no thread for it.
std::unique_ptr<Listener::Connected> Listener::open(std::unique_ptr<Connected> connected) {
  std::unique_ptr<Connected> left;
  const std::lock_guard lock(mutex_);
  open_.push_back(std::move(connected));
  const auto place = std::prev(open_.end());
  // Before its thread starts: a client that has its answer must not find that it was never counted.
  site_.metrics().set_connections(static_cast<int64_t>(open_.size()));
  try {
    (*place)->thread = std::thread([this, place] { serve(place); });
  } catch (const std::exception&) {
    left = std::move(*place);
    open_.erase(place);
    site_.metrics().set_connections(static_cast<int64_t>(open_.size()));
  }
  return left;
}

void Listener::serve(Place place) noexcept {
  block_signals();
  auto& connected = **place;
  try {
    if (const auto stream = stream_of(connected.descriptor)) {
      serve_connection(
          {*stream, connected.descriptor, connected.peer, limits_, site_, server_, connected.state});
    }
  } catch (const std::exception& error) {
    tell_end(error.what());
  } catch (...) {
    tell_end("an unknown exception");
  }
  close(place);
}

std::unique_ptr<ByteStream> Listener::stream_of(int descriptor) const {
  if (!tls_) return plain_stream(descriptor, wake_);
  return tls_->accept(descriptor, Clock::now() + duration_of(limits_.header_timeout), wake_);
}

void Listener::close(Place place) noexcept {
  const std::lock_guard lock(mutex_);
  (*place)->close();
  joinable_.splice(joinable_.end(), open_, place);
  site_.metrics().set_connections(static_cast<int64_t>(open_.size()));
  ended_.notify_all();
}

void Listener::join_ended() {
  std::list<std::unique_ptr<Connected>> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(joinable_);
  }
  for (const auto& each : ended) each->thread.join();
}

}  // namespace ccexpert::serve
