#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/flowmarkd/answer_watch.h"
#include "daemon/flowmarkd/file_watch.h"
#include "daemon/flowmarkd/flow_log.h"
#include "daemon/flowmarkd/host_report.h"
#include "daemon/flowmarkd/reloader.h"
#include "runtime/ctl_server.h"
#include "runtime/event_ring.h"
#include "runtime/flow_query.h"

namespace flowmark {

/// How far a thread on the packet path has come: the number grows while it is alive.
struct ThreadProgress {
  std::string name;  ///< for the log: "worker 0"
  uint64_t rounds = 0;
};

/// The control thread: signals, reloads (SIGHUP, changed files, `ctl`), verdict events, the control
/// socket and the service manager's watchdog. Owns nothing of the packet path.
class Control {
 public:
  struct Sources {
    Reloader& reloader;
    std::vector<EventRing*> rings;
    /// For `ctl status`: what the daemon knows besides reloads and models.
    std::function<nlohmann::ordered_json()> status;
    /// For `ctl marks`.
    std::function<nlohmann::ordered_json()> marks;
    /// For `ctl hosts`: what all workers know.
    std::function<std::vector<HostUse>()> host_uses;
    /// Puts a question to the worker that has the flow, if any. False: it was not found, and a
    /// worker did not answer in time.
    std::function<bool(FlowQuery&)> ask;
    /// Of every thread on the packet path: asked before the watchdog is fed.
    std::function<std::vector<ThreadProgress>()> progress;
    /// At every tick. False: the ports cannot be used any more.
    std::function<bool()> watch_ports;
    /// Answers that were not finite, of all workers. Asked at every tick.
    std::function<AnswerWatch::Counts()> answers_not_finite;
    /// Files besides the log are opened anew: SIGUSR1.
    std::function<void()> reopen_files;
  };

  /// Opens what it waits for. Throws Error.
  explicit Control(Sources sources);
  ~Control();

  /// Until SIGTERM or SIGINT; returns the signal, or 0 when the ports cannot be used any more.
  int run();

 private:
  static constexpr int kTickMs = 50;

  /// Who is told of a reload.
  struct Cause {
    uint64_t number = 0;  ///< of the request
    std::string text;
    std::optional<CtlServer::ClientId> client;
  };

  void add(int descriptor);
  void wait_and_serve();
  void serve(int descriptor);
  void on_signal();
  void on_tick();
  void drain_events();
  void look_at_files();
  void feed_watchdog();
  void request(LoadKind kind, Cause cause);
  void on_loaded();
  void report(const std::string& cause, const ReloadReport& report);
  std::optional<std::string> answer(CtlServer::ClientId client, const std::string& request);
  nlohmann::ordered_json status() const;
  nlohmann::ordered_json explain(const std::string& flow) const;
  nlohmann::ordered_json hosts(const HostQuestion& question) const;

  Sources sources_;
  FlowLog flows_;
  FileWatch watch_;
  AnswerWatch answers_;
  std::unique_ptr<CtlServer> ctl_;
  int epoll_ = -1, signals_ = -1, timer_ = -1;
  int stopped_by_ = 0;
  bool ports_failed_ = false;
  std::vector<Cause> causes_;  ///< of reloads that are not finished
  int reload_in_ticks_ = 0;    ///< counts down after a file changed: it may change again at once
  bool settings_changed_ = false;
  uint64_t ticks_ = 0;
  uint64_t watchdog_ticks_ = 0;  ///< 0: no watchdog asked for
  std::vector<ThreadProgress> progress_;
};

}  // namespace flowmark
