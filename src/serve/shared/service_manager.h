// Protocols of systemd: sockets that it passes, and messages about the state (sd_listen_fds(3),
// sd_notify(3)).
#pragma once

#include <string_view>
#include <vector>

namespace ccexpert::serve {

/// Returns the sockets that the service manager passed to this process; later calls return none.
std::vector<int> passed_sockets();

/// Sends lines such as "READY=1" to the service manager, if there is one.
void notify_manager(std::string_view state);

/// Sends "RELOADING=1" with the time that the protocol asks for.
void notify_reloading();

}  // namespace ccexpert::serve
