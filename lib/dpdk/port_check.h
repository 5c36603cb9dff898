#pragma once

#include <cstddef>

#include "settings/settings.h"

namespace flowmark {

/// Throws Error, as "ports[INDEX]...: ...", when a port cannot work as it is: its PCI device,
/// network interface or capture is not there, the interface is a member of a bridge (each packet
/// would be forwarded twice), the kernel merges packets there, or frames would not fit the port's
/// ring. Run at the start, by --check-config, and when an interface is made anew.
void check_port(const PortSettings& port, size_t index);

}  // namespace flowmark
