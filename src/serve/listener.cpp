#include "serve/listener.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ccexpert/core/log.h>

#include "serve/refused_clients.h"
#include "serve/sockets.h"

namespace ccexpert::serve {
namespace {

constexpr std::chrono::milliseconds kAfterFailedAccept(50);
/// Time that a refused client has to end its request.
constexpr std::chrono::seconds kRefusing(5);
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    "Connection: close\r\nContent-Length: 127\r\n\r\n"
    R"json({"error":{"message":"the server has no free connection (try again later)","type":"server_error","code":"too_many_connections"}})json";

/// Connections that reply and close cannot hold a place for long, but one that waits can.
constexpr std::chrono::milliseconds kYoung(500);

/// Signals are for the thread that waits for them; a write to a closed socket is an error of the write.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

struct Listener::Connected {
  int descriptor = -1;
  std::string peer;
  ConnectionState state;
  std::thread thread;
};

Listener::Listener(const ServerConfig& config, Site& site, std::unique_ptr<Tls> tls)
    : limits_(config.limits),
      site_(site),
      tls_(std::move(tls)),
      sockets_(listening_sockets(config)),
      port_(port_of(sockets_.front())),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      refused_(kRefusing) {}

Listener::~Listener() {
  drain({});
  ::close(wake_);
}

void Listener::start() {
  acceptor_ = std::thread([this] {
    block_signals();
    while (!server_.draining) accept_some();
  });
}

bool Listener::drain(std::chrono::milliseconds limit) {
  server_.draining = true;
  wake();
  if (acceptor_.joinable()) acceptor_.join();
  refused_.close_all();
  close_sockets();
  std::unique_lock lock(mutex_);
  // Those that wait for a request have nothing to lose.
  for (const auto& each : open_) {
    if (each->state.seen().phase == Phase::kIdle) ::shutdown(each->descriptor, SHUT_RD);
  }
  const bool done = ended_.wait_for(lock, limit, [this] { return open_.empty(); });
  server_.stopping = true;
  for (const auto& each : open_) ::shutdown(each->descriptor, SHUT_RDWR);
  ended_.wait(lock, [this] { return open_.empty(); });
  lock.unlock();
  join_ended();
  return done;
}

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
  connected->descriptor = accepted(socket, connected->peer);
  if (connected->descriptor < 0) {
    // Without descriptors or memory, the next try would fail at once.
    if (errno != EAGAIN && errno != ECONNABORTED) std::this_thread::sleep_for(kAfterFailedAccept);
    return;
  }
  if (!make_place()) {
    refuse(connected->descriptor);
    return;
  }
  open(std::move(connected));
}

void Listener::refuse(int descriptor) {
  site_.metrics().refused("connections");
  // A reply without encryption would be no reply.
  if (tls_) {
    ::close(descriptor);
  } else {
    refused_.add(descriptor, kFull);
  }
}

/// Returns true if there is place for a connection, after closing the one that has waited longest.
bool Listener::make_place() {
  std::unique_lock lock(mutex_);
  if (static_cast<int64_t>(open_.size()) < limits_.max_connections) return true;
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
  return ended_.wait_for(lock, kYoung,
                         [this] { return static_cast<int64_t>(open_.size()) < limits_.max_connections; });
}

void Listener::open(std::unique_ptr<Connected> connected) {
  const std::lock_guard lock(mutex_);
  open_.push_back(std::move(connected));
  const auto place = std::prev(open_.end());
  try {
    (*place)->thread = std::thread([this, place] { serve(place); });
  } catch (const std::system_error&) {
    refuse((*place)->descriptor);
    open_.erase(place);
  }
  site_.metrics().set_connections(static_cast<int64_t>(open_.size()));
}

void Listener::serve(Place place) {
  block_signals();
  auto& connected = **place;
  try {
    if (const auto stream = stream_of(connected.descriptor)) {
      serve_connection(
          {*stream, connected.descriptor, connected.peer, limits_, site_, server_, connected.state});
    }
  } catch (const std::exception& error) {
    log::error(fmt::format("a connection ended: {}", error.what()));
  }
  close(place);
}

std::unique_ptr<ByteStream> Listener::stream_of(int descriptor) const {
  if (!tls_) return plain_stream(descriptor);
  return tls_->accept(descriptor, Clock::now() + duration_of(limits_.header_timeout));
}

void Listener::close(Place place) {
  const std::lock_guard lock(mutex_);
  ::close((*place)->descriptor);
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
