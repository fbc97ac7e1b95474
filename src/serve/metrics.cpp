#include "serve/metrics.h"

#include <fstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include "generate/shared/caption_service.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

const Histogram::BucketBoundaries& seconds_buckets() {
  static const Histogram::BucketBoundaries buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                   0.5,   1,      2.5,   5,    10,    30,   60,  120};
  return buckets;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;

  prometheus::Family<Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Gauge& gauge(const char* name, const char* help, const prometheus::Labels& labels = {}) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
  }
  prometheus::Family<Histogram>& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  prometheus::Family<Counter>& requests =
      counters("ccexpert_requests_total", "Answered requests by route and status.");
  prometheus::Family<Histogram>& request_seconds =
      histograms("ccexpert_request_seconds", "Seconds from a request's header to the end of its answer.");
  prometheus::Family<Counter>& captions = counters("ccexpert_captions_total", "Captions by their end.");
  prometheus::Family<Counter>& tokens =
      counters("ccexpert_tokens_total", "Tokens of prompts and of captions.");
  prometheus::Family<Counter>& refusals =
      counters("ccexpert_refused_total", "Requests and connections refused, by reason.");
  Histogram& queue_seconds =
      histograms("ccexpert_queue_seconds", "Seconds that captions waited.").Add({}, seconds_buckets());
  Histogram& caption_seconds =
      histograms("ccexpert_caption_seconds", "Seconds from the start of captions to their end.")
          .Add({}, seconds_buckets());
  Gauge& connections = gauge("ccexpert_connections", "Open connections.");
  Gauge& waiting = gauge("ccexpert_captions_waiting", "Captions in the queue.");
  Gauge& running = gauge("ccexpert_captions_running", "Captions at work.");
  Gauge& resident = gauge("process_resident_memory_bytes", "Resident memory in bytes.");
  Gauge& start = gauge("process_start_time_seconds", "Start of the server in seconds since 1970.");
};

Metrics::Metrics(const std::string& version) : state_(std::make_unique<State>()) {
  state_->gauge("ccexpert_build_info", "Version of the server.", {{"version", version}}).Set(1);
  state_->start.SetToCurrentTime();
}
Metrics::~Metrics() = default;

void Metrics::add(const ServedRequest& request) {
  const std::string route(request.route);
  state_->requests.Add({{"route", route}, {"status", std::to_string(request.status)}}).Increment();
  state_->request_seconds.Add({{"route", route}}, seconds_buckets()).Observe(request.seconds);
}

void Metrics::add(const generate::ServedCaption& caption, std::string_view finish) {
  state_->captions.Add({{"finish", std::string(finish)}}).Increment();
  state_->tokens.Add({{"kind", "prompt"}}).Increment(static_cast<double>(caption.prompt_tokens));
  state_->tokens.Add({{"kind", "generated"}}).Increment(static_cast<double>(caption.token_ids.size()));
  state_->queue_seconds.Observe(caption.queue_seconds);
  state_->caption_seconds.Observe(caption.compute_seconds);
}

void Metrics::failed(std::string_view finish) {
  state_->captions.Add({{"finish", std::string(finish)}}).Increment();
}

void Metrics::refused(std::string_view reason) {
  state_->refusals.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::refused(const std::exception& error) {
  const auto* http = dynamic_cast<const HttpError*>(&error);
  if (http != nullptr && !http->code().empty()) refused(http->code());
}

void Metrics::set_connections(int64_t connections) {
  state_->connections.Set(static_cast<double>(connections));
}

void Metrics::set_captions(int64_t waiting, int64_t running) {
  state_->waiting.Set(static_cast<double>(waiting));
  state_->running.Set(static_cast<double>(running));
}

std::string Metrics::text() const {
  state_->resident.Set(resident_bytes());
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace ccexpert::serve
