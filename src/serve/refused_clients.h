// Clients that get no connection.
#pragma once

#include <chrono>
#include <deque>
#include <string_view>
#include <vector>

#include <poll.h>

#include "serve/http.h"

namespace ccexpert::serve {

/// Sockets of clients that were told so, and may still send. A close with unread bytes would take the reply
/// from them: their bytes are read and dropped, until they end or their time is over. Only for one thread.
class RefusedClients {
 public:
  /// Clients at once; beyond them, the one that was refused first is closed.
  static constexpr size_t kMost = 256;
  /// Time that a refused client has to end its request.
  static constexpr std::chrono::seconds kPatience{5};

  /// `patience`: time that each client has.
  explicit RefusedClients(Clock::duration patience) : patience_(patience) {}
  ~RefusedClients() { close_all(); }
  RefusedClients(const RefusedClients&) = delete;
  RefusedClients& operator=(const RefusedClients&) = delete;

  /// Sends a reply over a socket that does not block, and takes the socket over.
  void add(int descriptor, std::string_view reply);
  /// Adds their sockets, for poll(2).
  void add_to(std::vector<pollfd>& polls) const;
  /// Drops the bytes that have come, and closes sockets that have ended or had their time.
  void look();
  /// Returns the milliseconds until the next one has had its time; -1 if there is none.
  int next_end() const;
  size_t size() const { return clients_.size(); }
  void close_all();

 private:
  struct Client {
    int descriptor;
    Clock::time_point end;
  };

  Clock::duration patience_;
  std::deque<Client> clients_;  ///< in the order of their ends
};

}  // namespace ccexpert::serve
