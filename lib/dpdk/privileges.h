#pragma once

#include <cstddef>

#include "settings/settings.h"

namespace flowmark {

/// Throws Error, as "ports[INDEX].name: ...", when this process lacks a capability that the port's
/// driver needs: packet and XDP sockets, TAP interfaces, modes of a network interface.
void check_privileges(const PortSettings& port, size_t index);

}  // namespace flowmark
