#include "actuator/messages.h"

#include <fmt/format.h>

#include <iostream>

namespace flowmark {

void Messages::say(const std::string& message) const {
  std::cerr << program_ + ": " + message + "\n" << std::flush;
}

void Messages::say_rarely(const std::string& kind, const std::string& message) {
  const Clock::time_point now = Clock::now();
  const auto [at, is_new] = kinds_.try_emplace(kind);
  if (!is_new && now - at->second.said < kPause) {
    ++at->second.left_out;
    return;
  }
  const std::string more =
      at->second.left_out == 0 ? "" : fmt::format(" (and {} like it before)", at->second.left_out);
  say(message + more);
  at->second = {now, 0};
}

}  // namespace flowmark
