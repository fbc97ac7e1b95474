// Protocols of systemd: sockets that it passes, and messages about the state (sd_listen_fds(3),
// sd_notify(3)).
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

namespace ccexpert::serve {

/// Returns the sockets that the service manager passed to this process; later calls return none.
std::vector<int> passed_sockets();

/// Sends lines such as "READY=1" to the service manager, if there is one.
void notify_manager(std::string_view state);

/// Sends "STOPPING=1", and asks for the time that the last requests may take.
void notify_stopping(std::chrono::duration<double> requests);

/// Sends "RELOADING=1" with the time that the protocol asks for.
void notify_reloading();

}  // namespace ccexpert::serve
