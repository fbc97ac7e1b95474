#include "distributed/address.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

namespace ccexpert::distributed {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

constexpr int kAcceptMilliseconds = 1000;
/// Any port will do to find the route to a machine: nothing is sent.
constexpr int kDiscardPort = 9;

class Socket {
 public:
  Socket(int family, int type) : descriptor_(::socket(family, type | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// Sets `reason` to the resolver's error code if nothing was found.
Addresses look_up(const std::string& host, const char* port, int flags, int& reason) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags;
  addrinfo* found = nullptr;
  reason = ::getaddrinfo(host.c_str(), port, &wanted, &found);
  return {reason == 0 ? found : nullptr, ::freeaddrinfo};
}

/// Throws Error if the text is not a numeric address.
Addresses of_number(const std::string& address, int port) {
  int reason = 0;
  auto found = look_up(address, std::to_string(port).c_str(), AI_NUMERICHOST | AI_NUMERICSERV, reason);
  if (!found) fail(address, "is not a numeric address", ::gai_strerror(reason));
  return found;
}

std::string text_of(const sockaddr* address, socklen_t size) {
  char text[NI_MAXHOST] = {};
  if (::getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return text;
}

/// Returns errno, or 0.
int bind_and_listen(int socket, const addrinfo& place) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket, place.ai_addr, place.ai_addrlen) != 0) return errno;
  return ::listen(socket, SOMAXCONN) != 0 ? errno : 0;
}

[[noreturn]] void refuse(const std::string& address, int port, int error) {
  fail(fmt::format("{}:{}", address, port),
       fmt::format("rank 0 cannot listen there: {}", std::strerror(error)),
       error == EADDRINUSE ? "is another run using the port?" : "");
}

}  // namespace

std::string numeric_address(const std::string& host) {
  int reason = 0;
  const auto found = look_up(host, nullptr, 0, reason);
  if (!found) {
    fail_expected({"MASTER_ADDR", "a name or an address of rank 0's machine", "'" + host + "'",
                   reason == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(reason)});
  }
  const addrinfo* chosen = found.get();
  for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET) continue;
    chosen = each;
    break;
  }
  return text_of(chosen->ai_addr, chosen->ai_addrlen);
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

Listener listen_at(const std::string& address, int port) {
  const auto place = of_number(address, port);
  Socket socket(place->ai_family, SOCK_STREAM);
  const int error = bind_and_listen(socket.get(), *place);
  if (error == 0) return {address, socket.release()};
  if (error != EADDRNOTAVAIL) refuse(address, port, error);
  log::warning(
      fmt::format("{} is not an address of this machine: rank 0 listens on all of its addresses", address));
  const bool v6 = place->ai_family == AF_INET6;
  const auto all = of_number(v6 ? "::" : "0.0.0.0", port);
  Socket open(all->ai_family, SOCK_STREAM);
  if (const int second = bind_and_listen(open.get(), *all)) refuse(address, port, second);
  return {v6 ? "::1" : "127.0.0.1", open.release()};
}

bool accepts(const std::string& address, int port) {
  const auto place = of_number(address, port);
  const Socket socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK);
  if (::connect(socket.get(), place->ai_addr, place->ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd wait{socket.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  return ::poll(&wait, 1, kAcceptMilliseconds) == 1 &&
         ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

std::string own_address_towards(const std::string& address) {
  const auto place = of_number(address, kDiscardPort);
  const Socket socket(place->ai_family, SOCK_DGRAM);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  auto* generic = reinterpret_cast<sockaddr*>(&own);
  if (::connect(socket.get(), place->ai_addr, place->ai_addrlen) != 0 ||
      ::getsockname(socket.get(), generic, &size) != 0)
    fail_system("MASTER_ADDR", fmt::format("there is no route to {}", address), errno);
  return text_of(generic, size);
}

}  // namespace ccexpert::distributed
