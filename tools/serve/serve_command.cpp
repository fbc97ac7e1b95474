#include "serve/serve_command.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <thread>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/version.h>

#include "common/exit_code.h"
#include "common/standard_streams.h"
#include "serve/map_maker.h"
#include "serve/serve_options.h"
#include "serve/shared/server.h"
#include "serve/shared/service_manager.h"
#include "serve/shared/this_machine.h"

namespace ccexpert::tools {
namespace {

/// Signal that the loader sends to the thread that waits, if it failed.
int failed_signal() {
  return SIGRTMIN;
}

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, failed_signal()}) sigaddset(&signals, each);
  return signals;
}

class ServeRun {
 public:
  explicit ServeRun(ServeCommand command)
      : command_(std::move(command)),
        server_(command_.server, command_.requests, generate::build_info().version) {}

  int run() {
    if (!command_.map_root.empty()) server_.allow_maps(map_maker(command_.map_root, command_.maps));
    server_.start();
    tell(fmt::format("listening on {}", address()));
    waiting_ = ::pthread_self();
    std::thread loader([this] { load(); });
    const int code = wait();
    end(code);
    // A model that loads cannot be interrupted.
    if (!is_loaded_ && code != kFailed) _exit(code);
    loader.join();
    if (failure_) std::rethrow_exception(failure_);
    return code;
  }

 private:
  std::string address() const {
    const auto& server = command_.server;
    const auto* scheme = server.certificate.empty() ? "http" : "https";
    if (!server.sockets.empty()) return "the sockets of the service manager";
    const bool is_v6 = server.host.find(':') != std::string::npos;
    return fmt::format("{}://{}:{}/", scheme, is_v6 ? "[" + server.host + "]" : server.host, server_.port());
  }

  void tell(const std::string& line) const {
    if (!command_.quiet) print_note("ccexpert-serve: " + line);
  }

  void load() {
    try {
      auto captioner = Captioner::load(command_.model, command_.captioner);
      tell(fmt::format("model {}: {}", command_.name, captioner.description()));
      server_.take(std::move(captioner), command_.name, command_.service);
      serve::notify_manager(fmt::format("READY=1\nSTATUS=serving {}", command_.name));
      is_loaded_ = true;
      tell("ready");
    } catch (...) {
      failure_ = std::current_exception();
      ::pthread_kill(waiting_, failed_signal());
    }
  }

  void reload() {
    // The manager waits for the model until then: a reload must not tell it that the service is ready.
    const bool is_awaited = is_loaded_;
    if (is_awaited) serve::notify_reloading();
    try {
      server_.reload();
      tell("read keys and certificate again");
    } catch (const std::exception& error) {
      // The server goes on with what it has, where memory runs out too.
      log::error(error.what());
    }
    if (is_awaited) serve::notify_manager("READY=1");
  }

  /// Returns the exit code after the signal that ends the server.
  int wait() {
    const auto signals = watched_signals();
    while (true) {
      int received = 0;
      if (::sigwait(&signals, &received) != 0) continue;
      if (received == SIGHUP) {
        reload();
      } else {
        return received == failed_signal() ? kFailed : kSuccess;
      }
    }
  }

  /// Lets requests end; a further SIGINT gives them up.
  void end(int code) {
    const std::chrono::duration<double> limit(code == kFailed ? 0.0 : command_.drain);
    serve::notify_stopping(limit);
    std::atomic<bool> done = false;
    std::thread drain([&] {
      const bool all = server_.drain(std::chrono::duration_cast<std::chrono::milliseconds>(limit));
      tell(all ? "ended" : "ended; requests were given up after --drain");
      done = true;
    });
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    const timespec moment{.tv_sec = 0, .tv_nsec = 50'000'000};
    while (!done) {
      if (::sigtimedwait(&interrupt, nullptr, &moment) == SIGINT) _exit(kSignalBase + SIGINT);
    }
    drain.join();
  }

  ServeCommand command_;
  serve::Server server_;
  pthread_t waiting_{};
  std::atomic<bool> is_loaded_ = false;
  std::exception_ptr failure_;
};

void expect_guard(const ServeCommand& command) {
  for (const int socket : command.server.sockets) {
    if (!command.is_guarded() && !serve::is_local(socket)) {
      fail_expected({"the service manager's socket", "--api-keys for an address that other machines reach",
                     "none", "--allow-anyone serves all of them"});
    }
  }
}

}  // namespace

int run_serve_command(int count, const char* const* arguments) {
  auto parsed = parse_serve_command(count, arguments);
  if (parsed.exit_code) return print_leave(parsed);
  if (parsed.command.quiet) log::set_level(log::Level::kError);
  // Before any other thread: all inherit the mask, and one thread waits for the signals.
  const auto signals = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A reader of the log that is gone, as the head of a pipe, ends no server.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  parsed.command.server.sockets = serve::passed_sockets();
  expect_guard(parsed.command);
  return ServeRun(std::move(parsed.command)).run();
}

}  // namespace ccexpert::tools
