// Sockets that listen, and a thread for each of their connections.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "serve/connection.h"
#include "serve/refused_clients.h"
#include "serve/shared/server_config.h"
#include "serve/site.h"
#include "serve/tls.h"

namespace ccexpert::serve {

class Listener {
 public:
  /// Binds the address. Throws Error if the system refuses it. `tls`: null for no encryption.
  Listener(const ServerConfig& config, Site& site, std::unique_ptr<Tls> tls);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Returns the port of the first socket; 0 for a socket without one.
  int port() const { return port_; }
  /// Accepts connections from now on.
  void start();
  bool is_draining() const { return server_.draining; }

  /// Refuses new connections, and waits for the requests that were begun; after `limit`, gives them up.
  /// Returns true if none was left.
  bool drain(std::chrono::milliseconds limit);

 private:
  struct Connected;
  using Connections = std::list<std::unique_ptr<Connected>>;
  using Place = Connections::iterator;

  void wake() const;
  void close_sockets();
  void try_to_accept() noexcept;
  void accept_some();
  void accept_one(int socket);
  void after_failed_accept(std::string_view reason) noexcept;
  bool free_descriptor(std::string_view reason);
  void refuse(Connected& client);
  bool make_place();
  bool push_out_one(std::unique_lock<std::mutex>& lock);
  std::unique_ptr<Connected> open(std::unique_ptr<Connected> connected);
  void serve(Place place) noexcept;
  std::unique_ptr<ByteStream> stream_of(int descriptor) const;
  void close(Place place) noexcept;
  void join_ended();

  ServerLimits limits_;
  Site& site_;
  std::unique_ptr<Tls> tls_;
  std::vector<int> sockets_;
  int port_;
  int wake_;
  ServerState server_;
  std::mutex mutex_;  ///< of the lists
  std::condition_variable ended_;
  Connections open_;
  Connections joinable_;
  RefusedClients refused_;      ///< only for the acceptor
  Clock::time_point warned_{};  ///< only for the acceptor
  std::thread acceptor_;
};

}  // namespace ccexpert::serve
