#include "daemon/flowmarkd/control.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "daemon/flowmarkd/json_line.h"
#include "daemon/flowmarkd/log.h"
#include "daemon/flowmarkd/logging.h"
#include "daemon/flowmarkd/signals.h"

namespace flowmark {
namespace {

constexpr size_t kFlowLogCapacity = 4096;
constexpr int kQuietTicks = 4;  // a burst of changes to the files is one reload

uint64_t monotonic_us() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

void notify_state(const ModelSet& set, const std::string& refusal) {
  sd_notifyf(0, "STATUS=%zu models running, generation %llu%s", set.models().size(),
             static_cast<unsigned long long>(set.generation()),
             refusal.empty() ? "" : "; the last reload was refused");
}

std::string to_json(const ReloadReport& report) {
  return line_of({{"outcome", to_string(report.outcome)},
                  {"generation", report.generation},
                  {"message", report.message},
                  {"needs_restart", report.needs_restart}});
}

}  // namespace

Control::Control(Sources sources)
    : sources_(std::move(sources)), flows_(kFlowLogCapacity), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  const sigset_t set = our_signals();
  signals_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (epoll_ < 0 || signals_ < 0 || timer_ < 0) fail("the control thread: {}", strerror(errno));
  itimerspec period{};
  period.it_interval.tv_nsec = period.it_value.tv_nsec = kTickMs * 1'000'000L;
  timerfd_settime(timer_, 0, &period, nullptr);
  add(signals_);
  add(timer_);
  add(sources_.reloader.descriptor());
  const auto& socket = sources_.reloader.settings().control_socket;
  if (!socket.empty()) {
    ctl_ = std::make_unique<CtlServer>(
        socket, [this](CtlServer::ClientId client, const std::string& request) {
          return answer(client, request);
        });
    add(ctl_->descriptor());
  }
  uint64_t watchdog_us = 0;
  if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
    watchdog_ticks_ = std::max<uint64_t>(1, watchdog_us / 2 / (kTickMs * 1000));
  }
}

Control::~Control() {
  ctl_.reset();
  for (const int descriptor : {timer_, signals_, epoll_}) close(descriptor);
}

void Control::add(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    fail("the control thread: {}", strerror(errno));
  }
}

int Control::run() {
  report("start", sources_.reloader.first_report());
  sd_notify(0, "READY=1");
  while (stopped_by_ == 0 && !ports_failed_) wait_and_serve();
  sd_notify(0, "STOPPING=1");
  return stopped_by_;
}

void Control::wait_and_serve() {
  std::array<epoll_event, 8> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
  for (int i = 0; i < count; ++i) {
    // Forwarding does not end because one of its servants has failed.
    try {
      serve(events[static_cast<size_t>(i)].data.fd);
    } catch (const std::exception& error) {
      log_error("the control thread goes on after an error: {}", error.what());
    }
  }
}

void Control::serve(int descriptor) {
  if (descriptor == signals_) {
    on_signal();
  } else if (descriptor == timer_) {
    on_tick();
  } else if (descriptor == sources_.reloader.descriptor()) {
    on_loaded();
  } else if (ctl_ != nullptr) {
    ctl_->poll();
  }
}

void Control::on_signal() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == sizeof info) {
    switch (info.ssi_signo) {
      case SIGHUP:
        request(LoadKind::settings, {0, "SIGHUP", {}});
        break;
      case SIGUSR1:
        reopen_log();
        sources_.reopen_files();
        break;
      case SIGUSR2:  // has no meaning, and must not end the forwarding
        break;
      default:
        stopped_by_ = static_cast<int>(info.ssi_signo);
    }
  }
}

// The watchdog is fed first: nothing that fails after it may keep it from that.
void Control::on_tick() {
  uint64_t expirations = 0;
  if (read(timer_, &expirations, sizeof expirations) != sizeof expirations) return;
  ++ticks_;
  feed_watchdog();
  drain_events();
  ports_failed_ = !sources_.watch_ports();
  sources_.reloader.tick();
  answers_.look(*sources_.reloader.current(), sources_.reloader.publisher().settled(),
                sources_.answers_not_finite());
  if (ctl_ != nullptr) ctl_->tick();
  reopen_moved_log();
  look_at_files();
}

void Control::drain_events() {
  constexpr int kLinesPerTick = 20;
  int lines = 0, unlogged = 0;
  const bool verbose = is_logged(LogLevel::debug);
  VerdictEvent event;
  for (EventRing* ring : sources_.rings) {
    while (ring->pop(event)) {
      const ModelNames& names = sources_.reloader.names(event.generation);
      flows_.take(event, names);
      if (!verbose) continue;
      if (++lines > kLinesPerTick) {
        ++unlogged;
        continue;
      }
      log_debug("{}: {} {} ({:.2f}{}{}) after {} packets", to_string(event.key, event.up_is_a),
                names.model_name(event.model),
                names.verdict_name(event.model, event.class_index, event.labels), event.confidence,
                event.provisional ? ", provisional" : "", event.final ? ", final" : "",
                event.packets);
    }
  }
  if (unlogged > 0) log_debug("and {} verdicts more", unlogged);
}

// A change of a running model's file reads the models again; of any other file, the configuration.
void Control::look_at_files() {
  for (const auto& file : watch_.changed()) {
    reload_in_ticks_ = kQuietTicks;
    const auto running = files_of(sources_.reloader.settings());
    settings_changed_ |= std::find(running.begin() + 1, running.end(), file) == running.end();
  }
  if (reload_in_ticks_ == 0 || --reload_in_ticks_ != 0) return;
  const bool settings = std::exchange(settings_changed_, false);
  request(settings ? LoadKind::settings : LoadKind::models, {0, "changed file", {}});
}

// The service manager's watchdog is fed only while every thread on the packet path is alive.
void Control::feed_watchdog() {
  if (watchdog_ticks_ == 0 || ticks_ % watchdog_ticks_ != 0) return;
  const auto now = sources_.progress();
  bool alive = true;
  for (size_t i = 0; i < now.size() && i < progress_.size(); ++i) {
    if (now[i].rounds != progress_[i].rounds) continue;
    alive = false;
    log_error("{} makes no progress: the watchdog is not fed", now[i].name);
  }
  progress_ = now;
  if (alive) sd_notify(0, "WATCHDOG=1");
}

void Control::request(LoadKind kind, Cause cause) {
  if (!sources_.reloader.is_busy()) {
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
               static_cast<unsigned long long>(monotonic_us()));
  }
  cause.number = sources_.reloader.request(kind);
  const bool is_known = std::ranges::any_of(causes_, [&cause](const Cause& other) {
    return other.number == cause.number && other.client == cause.client;
  });
  if (!is_known) causes_.push_back(std::move(cause));
}

void Control::on_loaded() {
  while (const auto finished = sources_.reloader.finish()) {
    const auto of_others =
        std::stable_partition(causes_.begin(), causes_.end(),
                              [&](const Cause& cause) { return cause.number == finished->number; });
    const std::vector<Cause> told(causes_.begin(), of_others);
    causes_.erase(causes_.begin(), of_others);
    report(told.empty() ? "reload" : told.front().text, finished->report);
    for (const Cause& cause : told) {
      if (cause.client && ctl_ != nullptr) ctl_->answer(*cause.client, to_json(finished->report));
    }
  }
  if (!sources_.reloader.is_busy()) sd_notify(0, "READY=1");
}

void Control::report(const std::string& cause, const ReloadReport& report) {
  if (report.outcome == ReloadOutcome::refused) {
    log_error("{}: refused, running on with generation {}: {}", cause, report.generation,
              report.message);
  } else {
    log_info("{}: {}, generation {}: {}", cause, to_string(report.outcome), report.generation,
             report.message);
    set_log_level(sources_.reloader.settings().log.level);
  }
  watch_.watch(sources_.reloader.files());
  if (!report.needs_restart.empty()) {
    log_warning("{}: needs a restart to take effect: {}", cause,
                fmt::join(report.needs_restart, ", "));
  }
  notify_state(*sources_.reloader.current(), sources_.reloader.last_refusal());
}

}  // namespace flowmark
