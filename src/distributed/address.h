// Network addresses at which the ranks of a run meet.
#pragma once

#include <optional>
#include <string>

namespace ccexpert::distributed {

/// Returns the first address of a machine in numeric form, IPv4 before IPv6. Throws Error with MASTER_ADDR
/// and the system's reason if there is none. May take as long as the system's resolver.
std::string numeric_address(const std::string& host);

/// True if only processes of this machine can reach `address`.
bool is_loopback(const std::string& address);

struct Listener {
  std::string address;             ///< address at which this process reaches it
  std::optional<int> socket = {};  ///< bound and listening; the caller closes it
};

/// Listens on one address of this machine, so that other networks do not see the port. Listens on all
/// addresses if `address` does not belong to this machine (for instance after address translation). Throws
/// Error with the system's reason.
Listener listen_at(const std::string& address, int port);

/// True if something accepts a connection there within a second.
bool accepts(const std::string& address, int port);

/// Returns the local address that routes to `address`, at which that machine can reach this one.
std::string own_address_towards(const std::string& address);

}  // namespace ccexpert::distributed
