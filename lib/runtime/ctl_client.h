#pragma once

#include <filesystem>
#include <string>

namespace flowmark {

/// Sends one request line to a running flowmarkd and returns its answer line. Throws Error naming
/// the socket.
std::string ctl_request(const std::filesystem::path& socket, const std::string& request);

}  // namespace flowmark
