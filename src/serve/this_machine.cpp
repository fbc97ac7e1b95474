#include "serve/shared/this_machine.h"

#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "serve/http.h"

namespace ccexpert::serve {
namespace {

bool is_loopback(const in_addr& address) {
  constexpr uint32_t kNetwork = 127;
  return ntohl(address.s_addr) >> 24 == kNetwork;
}

bool is_loopback(const in6_addr& address) {
  return IN6_IS_ADDR_LOOPBACK(&address);
}

}  // namespace

bool is_this_machine(std::string_view host) {
  if (same_word(host, "localhost")) return true;
  const std::string text(host);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return is_loopback(v4);
  in6_addr v6{};
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && is_loopback(v6);
}

bool is_local(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family == AF_INET)
    return is_loopback(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.ss_family == AF_INET6)
    return is_loopback(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  return address.ss_family == AF_UNIX;
}

}  // namespace ccexpert::serve
