#include "common/launcher.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "common/exit_code.h"
#include "common/launched.h"

namespace ccexpert::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll(20);

/// Returns a port on which nothing listens now.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      socket >= 0 && ::bind(socket, generic, size) == 0 && ::getsockname(socket, generic, &size) == 0;
  if (socket >= 0) ::close(socket);
  if (!bound) fail_system("launcher", "no free port on this machine", errno);
  return ntohs(address.sin_port);
}

/// Returns an unguessable name for the run, so that ranks of another run on the same port are not taken for
/// its own.
std::string name_of_run() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

std::vector<std::string> environment_of(int rank, int ranks, int port, const std::string& run) {
  const std::map<std::string, std::string> own{{"RANK", std::to_string(rank)},
                                               {"WORLD_SIZE", std::to_string(ranks)},
                                               {"LOCAL_RANK", std::to_string(rank)},
                                               {"LOCAL_WORLD_SIZE", std::to_string(ranks)},
                                               {"MASTER_ADDR", "127.0.0.1"},
                                               {"MASTER_PORT", std::to_string(port)},
                                               {"CCEXPERT_RUN", run},
                                               {kLauncherVariable, std::to_string(::getpid())}};
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text(*variable);
    if (!own.contains(text.substr(0, text.find('=')))) variables.push_back(text);
  }
  for (const auto& [name, value] : own) variables.push_back(std::string(name).append("=").append(value));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

pid_t start(std::vector<std::string> arguments, std::vector<std::string> variables) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  // A separate process group: Ctrl-C reaches only the launcher, which passes it on once.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t process = 0;
  const int error = posix_spawn(&process, arguments.front().c_str(), nullptr, &attributes,
                                pointers(arguments).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  if (error != 0) fail_system("launcher", "a process cannot be started", error);
  return process;
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
}

/// The running processes of a launch.
class Family {
 public:
  explicit Family(const LaunchRequest& request) : patience_(request.patience) {
    const int port = free_port();
    const auto run = name_of_run();
    for (int rank = 0; rank < request.processes; ++rank) {
      running_.emplace_back(start(request.arguments, environment_of(rank, request.processes, port, run)),
                            rank);
    }
  }
  ~Family() { signal_all(SIGKILL); }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  int wait(const std::stop_token& stop) {
    while (!running_.empty()) {
      reap();
      if (stop.stop_requested() && !told_) {
        signal_all(SIGTERM);
        told_ = true;
      }
      if (failed_at_ && !gave_up_ && Clock::now() - *failed_at_ > patience_) give_up();
      std::this_thread::sleep_for(kPoll);
    }
    return exit_code_;
  }

 private:
  void signal_all(int signal) {
    for (const auto& [process, rank] : running_) ::kill(process, signal);
  }

  void give_up() {
    gave_up_ = true;
    std::vector<int> ranks;
    for (const auto& [process, rank] : running_) ranks.push_back(rank);
    log::error(fmt::format("rank {} did not exit after the failure and was killed", fmt::join(ranks, ", ")));
    signal_all(SIGKILL);
  }

  void reap() {
    std::erase_if(running_, [this](const auto& each) {
      const auto [process, rank] = each;
      int status = 0;
      if (::waitpid(process, &status, WNOHANG) != process) return false;
      const int code = exit_code_of(status);
      // Until a rank has installed its signal handler, the stop signal kills it.
      const bool as_told = told_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
      if (WIFSIGNALED(status) && !gave_up_ && !as_told)
        log::error(fmt::format("rank {} was ended by signal {} ({})", rank, WTERMSIG(status),
                               ::strsignal(WTERMSIG(status))));
      if (code != kSuccess && exit_code_ == kSuccess) exit_code_ = code;
      // A rank that stopped on a signal has done its part; the others may still be saving.
      const bool stopped =
          WIFEXITED(status) && (code == kSignalBase + SIGTERM || code == kSignalBase + SIGINT);
      if (code != kSuccess && !stopped && !failed_at_) failed_at_ = Clock::now();
      return true;
    });
  }

  std::chrono::milliseconds patience_;
  std::vector<std::pair<pid_t, int>> running_;  ///< process and rank
  int exit_code_ = kSuccess;
  std::optional<Clock::time_point> failed_at_;
  bool told_ = false;  ///< to stop
  bool gave_up_ = false;
};

}  // namespace

int launch(const LaunchRequest& request, const std::stop_token& stop) {
  return Family(request).wait(stop);
}

}  // namespace ccexpert::tools
