#include "serve/refused_clients.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <sys/socket.h>
#include <unistd.h>

namespace ccexpert::serve {
namespace {

/// Bytes of one client that are dropped at a time: the thread has others to look at.
constexpr size_t kDropped = size_t{1} << 20;

/// Returns false if the client has ended.
bool drop_bytes(int descriptor) {
  std::array<char, size_t{64} << 10> bytes;
  for (size_t all = 0; all < kDropped;) {
    const auto got = ::recv(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (got == 0) return false;
    all += static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

void RefusedClients::add(int descriptor, std::string_view reply) {
  clients_.push_back({descriptor, Clock::now() + patience_});
  ::send(descriptor, reply.data(), reply.size(), MSG_NOSIGNAL);
  ::shutdown(descriptor, SHUT_WR);
  if (clients_.size() <= kMost) return;
  ::close(clients_.front().descriptor);
  clients_.pop_front();
}

void RefusedClients::add_to(std::vector<pollfd>& polls) const {
  for (const auto& client : clients_)
    polls.push_back({.fd = client.descriptor, .events = POLLIN, .revents = 0});
}

void RefusedClients::look() {
  const auto now = Clock::now();
  std::erase_if(clients_, [now](const Client& client) {
    if (drop_bytes(client.descriptor) && now < client.end) return false;
    ::close(client.descriptor);
    return true;
  });
}

int RefusedClients::next_end() const {
  if (clients_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(clients_.front().end - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX));
}

void RefusedClients::close_all() {
  for (const auto& client : clients_) ::close(client.descriptor);
  clients_.clear();
}

}  // namespace ccexpert::serve
