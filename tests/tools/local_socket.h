// Sockets of this machine for tests.
#pragma once

#include <cstdint>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ccexpert::test {

/// Local socket; `listen` or `connect` on `port`, 0 for any.
class LocalSocket {
 public:
  explicit LocalSocket(int port = 0) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address_.sin_port = htons(static_cast<uint16_t>(port));
  }
  ~LocalSocket() { ::close(descriptor_); }
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;

  /// Returns the bound port.
  int bind() {
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(descriptor_, generic(), size), 0);
    EXPECT_EQ(::getsockname(descriptor_, generic(), &size), 0);
    return ntohs(address_.sin_port);
  }
  int listen() {
    const int port = bind();
    EXPECT_EQ(::listen(descriptor_, 16), 0);
    return port;
  }
  /// True if somebody has connected to it.
  bool is_asked() {
    pollfd asked{descriptor_, POLLIN, 0};
    return ::poll(&asked, 1, 0) > 0;
  }

 private:
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  int descriptor_;
  sockaddr_in address_{};
};

/// Returns a free port of this machine.
inline int free_port() {
  return LocalSocket().bind();
}

}  // namespace ccexpert::test
