#include "distributed/shared/rank.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::distributed {
namespace {

/// Environment variables in which a launcher passes a process its rank.
struct Launcher {
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
  const char* run;
};

constexpr Launcher kLaunchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE", "SLURM_JOB_ID"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE", nullptr},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", nullptr}};
constexpr const Launcher& kTorchrun = kLaunchers[0];
constexpr const Launcher& kSlurm = kLaunchers[1];

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

int number(const char* name, const std::string& text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Slurm writes tasks per node as "4(x2)".
  const bool whole = end == text.data() + text.size() || *end == '(';
  if (error != std::errc() || !whole || value < 0)
    fail_expected({name, "a number of at least 0", "'" + text + "'"});
  return value;
}

int required(const char* name, const char* beside) {
  const auto text = variable(name);
  if (!text) fail_expected({name, fmt::format("a number, as {} is set", beside), "nothing"});
  return number(name, *text);
}

int optional_number(const char* name, int fallback) {
  const auto text = variable(name);
  return text ? number(name, *text) : fallback;
}

/// Returns the first machine of a Slurm list such as "node[3-7,9],other".
std::string first_machine(const std::string& list) {
  const auto bracket = list.find('[');
  const auto comma = list.find(',');
  if (bracket == std::string::npos || comma < bracket) return list.substr(0, comma);
  const auto end = list.find_first_of("-,]", bracket + 1);
  return list.substr(0, bracket) + list.substr(bracket + 1, end - bracket - 1);
}

std::string master_address(const Rank& rank) {
  if (const auto named = variable("MASTER_ADDR")) return *named;
  if (const auto nodes = variable("SLURM_STEP_NODELIST")) return first_machine(*nodes);
  if (rank.local_size < rank.size) {
    fail_expected({"MASTER_ADDR",
                   fmt::format("the address of rank 0's machine, as {} of {} ranks run on this one",
                               rank.local_size, rank.size),
                   "nothing", "as mpirun -x MASTER_ADDR=HOST does"});
  }
  return rank.master_address;
}

int master_port() {
  constexpr int kUsual = 29500, kHighest = 65535;
  const int port = optional_number("MASTER_PORT", kUsual);
  if (port < 1 || port > kHighest) {
    fail_expected({"MASTER_PORT", fmt::format("1 to {}", kHighest), std::to_string(port)});
  }
  return port;
}

/// The restart count is part of the name: torchrun gives restarted processes the old store.
std::string run_of(const Launcher& launcher) {
  auto name = variable("CCEXPERT_RUN");
  if (!name && launcher.run != nullptr) name = variable(launcher.run);
  return name.value_or("") + variable("TORCHELASTIC_RESTART_COUNT").value_or("");
}

void expect_below(const char* name, int value, const char* limit_name, int limit) {
  if (value >= limit)
    fail_expected({name, fmt::format("below {} ({})", limit_name, limit), std::to_string(value)});
}

}  // namespace

Rank rank_from_environment() try {
  for (const auto& launcher : kLaunchers) {
    const auto text = variable(launcher.rank);
    if (!text) continue;
    // A batch script has SLURM_PROCID as well, but only an srun step has a task count.
    if (&launcher == &kSlurm && !variable(launcher.size)) continue;
    Rank rank;
    rank.launched = true;
    rank.rank = number(launcher.rank, *text);
    rank.size = required(launcher.size, launcher.rank);
    expect_below(launcher.rank, rank.rank, launcher.size, rank.size);
    rank.local_rank = optional_number(launcher.local_rank, rank.rank);
    rank.local_size = optional_number(launcher.local_size, rank.size);
    // Slurm's count is a list if nodes differ, and its first entry may be lower than this node's.
    if (&launcher == &kTorchrun) {
      expect_below(launcher.local_rank, rank.local_rank, launcher.local_size, rank.local_size);
    }
    rank.master_address = master_address(rank);
    rank.master_port = master_port();
    rank.run = run_of(launcher);
    rank.store_runs = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
    return rank;
  }
  return {};
} catch (...) {
  rethrow_as_error();
}

int threads_of(const Rank& rank, int asked) {
  if (asked > 0 || rank.local_size == 1) return asked;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / rank.local_size);
}

}  // namespace ccexpert::distributed
