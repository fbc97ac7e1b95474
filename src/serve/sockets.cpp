#include "serve/sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert::serve {
namespace {

constexpr int kBacklog = 512;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses addresses_of(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto service = std::to_string(port);
  const int code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (code != 0) fail(host, "is not an address of this machine", ::gai_strerror(code));
  return {found, ::freeaddrinfo};
}

/// Returns a socket that listens at an address, or -1 with errno.
int bound(const addrinfo& address) {
  const int socket =
      ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
  if (socket < 0) return -1;
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket, address.ai_addr, address.ai_addrlen) == 0 && ::listen(socket, kBacklog) == 0)
    return socket;
  const int code = errno;
  ::close(socket);
  errno = code;
  return -1;
}

/// Closes sockets unless they are released.
class Sockets {
 public:
  Sockets() = default;
  ~Sockets() {
    for (const int socket : all) ::close(socket);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  std::vector<int> all;
};

}  // namespace

std::vector<int> listening_sockets(const ServerConfig& config) {
  for (const int socket : config.sockets) ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  if (!config.sockets.empty()) return config.sockets;
  const auto name = fmt::format("{}:{}", config.host, config.port);
  // With port 0, each address would get a port of its own.
  return bound_sockets(*addresses_of(config.host, config.port), config.port == 0, name);
}

std::vector<int> bound_sockets(const addrinfo& addresses, bool single, const std::string& name) {
  Sockets sockets;
  int code = EADDRNOTAVAIL;
  for (const auto* each = &addresses; each != nullptr; each = each->ai_next) {
    const int socket = bound(*each);
    if (socket >= 0) {
      sockets.all.push_back(socket);
      if (single) break;
      continue;
    }
    code = errno;
    // "localhost" names an address of IPv6 also where the system has none.
    if (code != EADDRNOTAVAIL && code != EAFNOSUPPORT) fail_system(name, "cannot listen there", code);
  }
  if (sockets.all.empty()) fail_system(name, "cannot listen there", code);
  return std::exchange(sockets.all, {});
}

int64_t raise_open_files(int64_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto most = static_cast<rlim_t>(wanted);
  if (limit.rlim_cur < most) {
    limit.rlim_cur = std::min(most, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT64_MAX));
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

int accepted(int socket, sockaddr_storage& peer) {
  socklen_t size = sizeof peer;
  const int descriptor =
      ::accept4(socket, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (descriptor < 0) return -1;
  const int on = 1;
  // Pieces of a stream leave at once.
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

std::string text_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  } else {
    return "local";
  }
  return text.data();
}

}  // namespace ccexpert::serve
