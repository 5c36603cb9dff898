#pragma once

#include "dpdk/eal_plan.h"
#include "settings/settings.h"

namespace flowmark {

/// What DPDK alone knows, for --check-config: whether it takes the arguments of eal.args, and has a
/// driver for each software port. Starts the EAL without any device in a process of its own, which
/// then ends; DPDK's own words go to standard error. Devices that eal.args ask for are left out.
///
/// To be called before any thread exists. Throws Error naming the key.
void try_eal(const Settings& settings, const EalPlan& plan);

}  // namespace flowmark
