// Where the ranks of a run find one another.
#pragma once

#include <optional>
#include <string>

namespace ccexpert::distributed {

/// The first address of a machine as a number, IPv4 before IPv6. Throws Error that names MASTER_ADDR and the
/// system's reason where there is none. May take as long as the system's resolver does.
std::string numeric_address(const std::string& host);

/// Of this machine alone, for processes of this machine alone.
bool is_loopback(const std::string& address);

struct Listener {
  std::string address;             ///< by which this process reaches it
  std::optional<int> socket = {};  ///< bound and listening; the caller closes it
};

/// Listens at one address of this machine, so that other networks do not see the port. At all addresses only
/// where `address` is none of this machine's, as behind a translation of addresses. Throws Error with the
/// system's reason.
Listener listen_at(const std::string& address, int port);

/// Whether anything accepts connections there within a second.
bool accepts(const std::string& address, int port);

/// The address of this machine on its way to `address`: the one by which that machine can reach it.
std::string own_address_towards(const std::string& address);

}  // namespace ccexpert::distributed
