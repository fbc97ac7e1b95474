#include "serve/byte_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace ccexpert::serve {
namespace {

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

class PlainStream : public ByteStream {
 public:
  PlainStream(int descriptor, int ending) : descriptor_(descriptor), ending_(ending) {}

  Moved read(char* data, size_t size, Clock::time_point deadline) override {
    return received(data, size, deadline, -1);
  }
  Moved read_first(char* data, size_t size, Clock::time_point deadline) override {
    return received(data, size, deadline, ending_);
  }

  Moved write(std::string_view text, Clock::time_point deadline) override {
    while (true) {
      const auto sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent > 0) return {static_cast<size_t>(sent)};
      if (sent < 0 && !would_block()) return {0, StreamEnd::kBroken};
      if (!wait_for(descriptor_, POLLOUT, deadline)) return {0, StreamEnd::kTimeout};
    }
  }

  void end_writing() override { ::shutdown(descriptor_, SHUT_WR); }

 private:
  Moved received(char* data, size_t size, Clock::time_point deadline, int ending) const {
    while (true) {
      const auto got = ::recv(descriptor_, data, size, 0);
      if (got > 0) return {static_cast<size_t>(got)};
      if (got == 0) return {0, StreamEnd::kClosed};
      if (!would_block()) return {0, StreamEnd::kBroken};
      if (!wait_for(descriptor_, POLLIN, deadline, ending)) return {0, StreamEnd::kTimeout};
    }
  }

  int descriptor_;
  int ending_;
};

}  // namespace

bool wait_for(int descriptor, short events, Clock::time_point deadline, int ending) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> polls{
        {{.fd = descriptor, .events = events, .revents = 0}, {.fd = ending, .events = POLLIN, .revents = 0}}};
    const int ready = ::poll(polls.data(), polls.size(), static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready > 0) return polls[0].revents != 0;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool has_left(int descriptor) {
  pollfd poll{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
  return ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0;
}

std::unique_ptr<ByteStream> plain_stream(int descriptor, int ending) {
  return std::make_unique<PlainStream>(descriptor, ending);
}

}  // namespace ccexpert::serve
