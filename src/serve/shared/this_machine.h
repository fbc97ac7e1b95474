// Names and addresses of this machine alone.
#pragma once

#include <string_view>

namespace ccexpert::serve {

/// True for "localhost", an IPv4 address of 127.0.0.0/8 and an IPv6 address equal to ::1. Names such as
/// "127.example.org" are those of other machines.
bool is_this_machine(std::string_view host);

/// True if only this machine reaches the address of a socket.
bool is_local(int socket);

}  // namespace ccexpert::serve
