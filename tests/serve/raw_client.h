// Client of bytes, for requests that no other client sends.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace ccexpert::serve::test {

/// Socket to the server.
class RawClient {
 public:
  explicit RawClient(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view text) const {
    return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) == std::ssize(text);
  }
  /// Returns what the server sends until it closes.
  std::string all() const {
    std::string text;
    for (std::string piece = some(); !piece.empty(); piece = some()) text += piece;
    return text;
  }
  /// Returns the next bytes; "" at the end. Fails the test if the server neither sends nor closes.
  std::string some() const {
    char bytes[4096];
    const auto got = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ADD_FAILURE() << "the connection is still open";
    return got > 0 ? std::string(bytes, static_cast<size_t>(got)) : std::string();
  }
  std::string ask(std::string_view text) const {
    EXPECT_TRUE(send(text));
    return all();
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

}  // namespace ccexpert::serve::test
