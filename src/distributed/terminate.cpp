#include "distributed/terminate.h"

#include <atomic>
#include <cstdlib>
#include <string_view>
#include <typeinfo>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

namespace ccexpert::distributed {
namespace {

/// The terminate handler is process-wide, and so are its variables.
std::atomic<int> own_rank = 0;
std::atomic<std::terminate_handler> before = nullptr;

/// True for Gloo's exceptions and for c10's DistNetworkError and similar. Mangled type names contain the
/// names of namespaces and types verbatim.
bool is_of_communication(const std::exception& error) {
  const std::string_view type = typeid(error).name();
  const auto has = [type](std::string_view part) { return type.find(part) != std::string_view::npos; };
  return has("4gloo") || (has("3c10") && has("Dist"));
}

void end_with_a_sentence() {
  try {
    if (const auto problem = std::current_exception()) std::rethrow_exception(problem);
  } catch (const std::exception& error) {
    if (is_of_communication(error)) {
      log::debug(error.what());
      log::error(fmt::format(
          "rank {}: the messages of another rank do not match its own (do all ranks run the same program?)",
          own_rank.load()));
      std::_Exit(EXIT_FAILURE);
    }
  } catch (...) {
    log::debug("an exception that is not a std::exception");
  }
  if (const auto handler = before.load()) handler();
  std::abort();
}

}  // namespace

TerminateGuard::TerminateGuard(int rank) {
  own_rank = rank;
  before = std::set_terminate(end_with_a_sentence);
}

TerminateGuard::~TerminateGuard() {
  std::set_terminate(before);
}

}  // namespace ccexpert::distributed
