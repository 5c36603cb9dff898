#include "daemon/flowmarkd/daemon.h"

#include <bit>
#include <chrono>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/on_exit.h"
#include "daemon/flowmarkd/log.h"
#include "daemon/flowmarkd/mark_matrix.h"
#include "dpdk/on_core_of.h"
#include "runtime/summary.h"
#include "runtime/wiring.h"

namespace flowmark {
namespace {

constexpr size_t kRingEvents = 8192;
// For all workers together: a question holds the control thread up. A worker answers in
// microseconds if it runs.
constexpr std::chrono::seconds kAnswerTime{1};

const char* to_string(Spreading spreading) {
  switch (spreading) {
    case Spreading::single:
      return "one queue";
    case Spreading::symmetric:
      return "symmetric hash of the ports";
    case Spreading::distributor:
      return "distributor";
  }
  return "?";
}

}  // namespace

Daemon::Daemon(Settings settings, StartNeeds needs)
    : settings_(std::move(settings)),
      needs_(std::move(needs)),
      reloader_(settings_, settings_.worker_count),
      eal_(needs_.plan, settings_.eal.file_prefix) {
  start_ports();
  make_workers();
  make_stream();
  make_exporter();
  std::vector<EventRing*> rings;
  for (const auto& ring : rings_) rings.push_back(ring.get());
  control_ = std::make_unique<Control>(Control::Sources{
      reloader_, std::move(rings), [this] { return status(); },
      [this] { return mark_matrix(Totals(counters_), port_names()); },
      [this] { return host_uses(); }, [this](FlowQuery& query) { return ask_workers(query); },
      [this] { return progress(); }, [this] { return watch_.look(); },
      [this] { return answers_not_finite(); },
      [this] {
        if (stream_) stream_->reopen_file();
      }});
}

Daemon::~Daemon() = default;

void Daemon::start_ports() {
  for (size_t i = 0; i < settings_.ports.size(); ++i) {
    ports_.push_back(std::make_unique<Port>(settings_.ports[i], static_cast<uint16_t>(i),
                                            settings_.idle == IdlePolicy::adaptive));
  }
  const uint32_t workers = settings_.worker_count;
  for (const auto& port : ports_) spreading_ = std::max(spreading_, port->spreading(workers));
  if (spreading_ == Spreading::symmetric && ports_.size() == 2 &&
      ports_[0]->redirection_entries() != ports_[1]->redirection_entries()) {
    spreading_ = Spreading::distributor;  // the two would send a flow to different workers
  }
  const bool symmetric = spreading_ == Spreading::symmetric;
  const auto own = static_cast<uint16_t>(symmetric ? workers : 1);
  const auto tx = static_cast<uint16_t>(spreading_ == Spreading::distributor ? workers : own);
  pool_ = make_packet_pool(settings_, ports_[0]->socket());
  for (size_t i = 0; i < ports_.size(); ++i) {
    const uint16_t wanted = settings_.ports[i].queues;
    if (wanted != 0 && wanted != own) {
      fail("{}: ports[{}].queues: value {}: {} workers over {} use {} a port; leave it out",
           settings_.file.string(), i, wanted, workers, to_string(spreading_), own);
    }
    ports_[i]->start(own, tx, spreading_, pool_.get());
    if (settings_.mode == RunMode::inline_ports) ports_[i]->link().ignore_outgoing();
  }
}

void Daemon::make_workers() {
  const uint32_t count = settings_.worker_count;
  ClassifierOptions classifier = classifier_options(settings_, count, false);
  classifier.table.secret = HashSecret::draw();
  const bool distributed = spreading_ == Spreading::distributor;
  for (uint32_t i = 0; i < count + (distributed ? 1 : 0); ++i) {
    counters_.push_back(std::make_unique<WorkerCounters>());
  }
  if (distributed) {
    distributor_ =
        std::make_unique<Distributor>(ports_, count, settings_.tunnels, HashSecret::draw(), clock_,
                                      *counters_[count], settings_.idle == IdlePolicy::adaptive);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const OnCoreOf place(i + 1);
    WorkerCounters& counters = *counters_[i];
    rings_.push_back(std::make_unique<EventRing>(kRingEvents, counters));
    if (settings_.verdict_stream.is_wanted()) {
      flow_rings_.push_back(std::make_unique<FlowRing>(kRingEvents, counters));
    }
    ios_.push_back(
        distributed ? distributor_->io(i, counters)
                    : std::make_unique<DpdkIo>(ports_, static_cast<uint16_t>(i), clock_, counters));
    WorkerOptions options = worker_options(settings_, i, false);
    options.cycles_per_second = ticks_per_second();
    workers_.push_back(std::make_unique<Worker>(
        options, classifier, *ios_[i], reloader_.publisher(), counters, rings_[i].get(),
        flow_rings_.empty() ? nullptr : flow_rings_[i].get()));
  }
}

void Daemon::make_stream() {
  if (flow_rings_.empty()) return;
  std::vector<FlowRing*> rings;
  for (const auto& ring : flow_rings_) rings.push_back(ring.get());
  stream_ = std::make_unique<StreamThread>(
      std::move(rings), std::make_unique<VerdictStream>(settings_, [this](uint64_t generation) {
        return reloader_.shared_names(generation);
      }));
}

void Daemon::make_exporter() {
  if (settings_.metrics_listen.empty()) return;
  const ClassifierOptions options = classifier_options(settings_, settings_.worker_count, false);
  const uint64_t workers = settings_.worker_count;
  std::vector<std::string> groups;
  for (const HostGroup& group : settings_.host_groups) groups.push_back(group.name);
  exporter_ = std::make_unique<Exporter>(
      Exporter::Sources{counters_, reloader_, std::bit_ceil(options.table.capacity) * workers,
                        options.window_memory_bytes * workers,
                        static_cast<double>(ticks_per_second()), [this] { return port_reports(); },
                        std::move(groups), stream_ ? &stream_->counts() : nullptr});
  exporter_->listen(settings_.metrics_listen);
}

void Daemon::launch() {
  for (const auto& worker : workers_) {
    work_.emplace_back([w = worker.get()] { w->run(); });
  }
  if (distributor_) {
    work_.emplace_back([d = distributor_.get()] { d->run(); });
  }
  for (size_t i = 0; i < work_.size(); ++i) eal_.launch(static_cast<unsigned>(i) + 1, work_[i]);
}

void Daemon::stop() {
  if (std::exchange(stopped_, true)) return;
  if (distributor_) distributor_->stop_receiving();
  for (const auto& worker : workers_) worker->stop();
  for (size_t i = 0; i < workers_.size(); ++i) eal_.wait(static_cast<unsigned>(i) + 1);
  if (distributor_) {
    distributor_->finish();
    eal_.wait(static_cast<unsigned>(workers_.size()) + 1);
  }
  if (stream_) stream_->stop();
  for (const auto& port : ports_) port->stop();
}

int Daemon::run() {
  // Whatever ends this function, no worker outlives what it works with.
  const OnExit workers_end([this] { stop(); });
  launch();
  log_info("flowmarkd {} runs: {}, {} workers ({}), {} MB of {}", FLOWMARK_VERSION,
           to_string(settings_.mode), workers_.size(), to_string(spreading_),
           settings_.eal.memory_mb, needs_.plan.huge_pages ? "huge pages" : "ordinary memory");
  log_info("memory: {}", memory_text(settings_));
  for (const auto& port : ports_) {
    if (spreading_ == Spreading::symmetric) {
      log_info("{}: {}", port->name(), port->spreading_text());
    }
  }
  if (stream_) {
    const StreamSettings& to = settings_.verdict_stream;
    log_info("the stream of verdicts goes to {}{}{}", to.socket.string(),
             to.socket.empty() || to.file.empty() ? "" : " and ", to.file.string());
  }
  if (exporter_) log_info("metrics at http://{}/metrics", settings_.metrics_listen);
  const int signal = control_->run();
  log_info("{}: stopping", signal != 0 ? strsignal(signal) : "no forwarding any more");
  stop();
  const bool sends = settings_.mode == RunMode::inline_ports;
  const Totals totals(counters_);
  std::cout << summary_text(totals, *reloader_.current(), sends) << ports_text(port_reports())
            << std::flush;
  if (sends && totals.received() != totals.transmitted() + totals.all_dropped()) {
    log_error("{} packets received but {} sent and {} dropped", totals.received(),
              totals.transmitted(), totals.all_dropped());
    return 1;
  }
  return signal != 0 ? 0 : 1;
}

std::vector<PortReport> Daemon::port_reports() const {
  std::vector<PortReport> reports;
  for (size_t i = 0; i < ports_.size(); ++i) {
    const Port::Stats stats = ports_[i]->stats();
    reports.push_back({ports_[i]->name(), settings_.ports[i].role, stats.missed, stats.rx_errors,
                       stats.tx_errors, stats.rx_no_memory, stats.tx_dropped,
                       ports_[i]->link().state()});
  }
  return reports;
}

std::vector<HostUse> Daemon::host_uses() const {
  std::vector<HostUse> all;
  for (const auto& worker : workers_) {
    if (worker->hosts() == nullptr) continue;
    const std::vector<HostUse> uses = worker->hosts()->read();
    all.insert(all.end(), uses.begin(), uses.end());
  }
  return all;
}

std::vector<std::string> Daemon::port_names() const {
  std::vector<std::string> names;
  for (const auto& port : ports_) names.push_back(port->name());
  return names;
}

nlohmann::ordered_json Daemon::status() const {
  const auto models = reloader_.current();
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
  nlohmann::ordered_json out{
      {"version", FLOWMARK_VERSION},        {"mode", to_string(settings_.mode)},
      {"uptime_s", uptime.count()},         {"workers", workers_.size()},
      {"spreading", to_string(spreading_)}, {"config", settings_.file.string()},
      {"metrics", settings_.metrics_listen}};
  auto names = nlohmann::ordered_json::array();
  for (const auto& report : port_reports()) {
    names.push_back({{"name", report.name},
                     {"role", to_string(report.role)},
                     {"missed", report.missed},
                     {"rx_errors", report.rx_errors},
                     {"tx_errors", report.tx_errors},
                     {"no_memory", report.rx_no_memory},
                     {"tx_dropped", report.tx_dropped},
                     {"link", to_string(report.link)}});
  }
  out["port_devices"] = names;
  out["losses"] = {{"share", watch_.losses().share()}, {"heavy", watch_.losses().heavy()}};
  out.update(summary_json(Totals(counters_), *models, settings_.mode == RunMode::inline_ports));
  return out;
}

bool Daemon::ask_workers(FlowQuery& query) {
  const auto end = std::chrono::steady_clock::now() + kAnswerTime;
  bool all_answered = true;
  for (const auto& worker : workers_) {
    const bool answered = worker->ask(query, end);
    if (answered && query.found) return true;
    all_answered = all_answered && answered;
    query.answered = false;
  }
  return all_answered;
}

std::vector<ThreadProgress> Daemon::progress() const {
  std::vector<ThreadProgress> threads;
  for (size_t i = 0; i < counters_.size(); ++i) {
    threads.push_back({i < workers_.size() ? fmt::format("worker {}", i) : "the distributor",
                       counters_[i]->bursts.get() + counters_[i]->empty_polls.get()});
  }
  return threads;
}

AnswerWatch::Counts Daemon::answers_not_finite() const {
  AnswerWatch::Counts sums{};
  for (const auto& counters : counters_) {
    for (size_t slot = 0; slot < sums.size(); ++slot) {
      sums[slot] += counters->models[slot].not_finite.get();
    }
  }
  return sums;
}

}  // namespace flowmark
