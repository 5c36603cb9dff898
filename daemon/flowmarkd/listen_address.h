#pragma once

#include <string>

namespace flowmark {

/// A TCP socket that listens on `address`, "host:port" or "[IPv6]:port"; port 0: any free one. The
/// caller closes it. Throws Error, as "metrics.listen: value ...", when the address is wrong, not
/// this machine's, or taken.
int listen_on(const std::string& address);

}  // namespace flowmark
