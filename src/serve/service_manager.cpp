#include "serve/shared/service_manager.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ccexpert::serve {
namespace {

constexpr int kFirstPassed = 3;
constexpr int kMostPassed = 64;

int number_in(const char* name) {
  const char* text = std::getenv(name);
  int number = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace

std::vector<int> passed_sockets() {
  std::vector<int> sockets;
  const int count = number_in("LISTEN_FDS");
  if (number_in("LISTEN_PID") == ::getpid() && count > 0 && count <= kMostPassed) {
    for (int i = 0; i < count; ++i) {
      sockets.push_back(kFirstPassed + i);
      ::fcntl(kFirstPassed + i, F_SETFD, FD_CLOEXEC);
    }
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return sockets;
}

void notify_manager(std::string_view state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name == nullptr || (name[0] != '/' && name[0] != '@')) return;
  const auto length = std::strlen(name);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, name, length);
  // A name of the abstract namespace starts with a zero byte.
  if (name[0] == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           size);
  ::close(socket);
}

void notify_stopping(std::chrono::duration<double> requests) {
  constexpr std::chrono::seconds kAfterRequests(15);
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(requests + kAfterRequests);
  notify_manager(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", time.count()));
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

}  // namespace ccexpert::serve
