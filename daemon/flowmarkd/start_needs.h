#pragma once

#include "dpdk/eal_plan.h"
#include "dpdk/port_lock.h"
#include "settings/settings.h"

namespace flowmark {

/// What a start takes of this machine, looked at before anything is started: ports and the right to
/// use them, cores, memory, the places of log and control socket, the metrics' address. A start and
/// --check-config both make one, so that they judge alike.
struct StartNeeds {
  /// Takes the locks and checks everything else. Throws Error naming the key. `besides_itself`: for
  /// --check-config; what the daemon has that runs with this configuration counts as free.
  explicit StartNeeds(const Settings& settings, bool besides_itself = false);

  PortLock lock;
  EalPlan plan;
};

/// --check-config: the needs of a start, and the models, which a start could do without. Prints
/// remarks. Throws Error, or SettingsError when the models do not fit the configuration.
void check_start(const Settings& settings);

}  // namespace flowmark
