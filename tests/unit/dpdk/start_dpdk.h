#pragma once

#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>
#include <string>

namespace flowmark {

/// The EAL of this test process, without huge pages: started by the first call.
inline void start_dpdk() {
  static const bool is_started = [] {
    static std::string words[] = {
        "ports_test",  "--no-huge",      "-m",           "256", "--no-pci",
        "--no-shconf", "--no-telemetry", "--log-level=4"};
    static std::array<char*, std::size(words)> arguments{};
    for (size_t i = 0; i < arguments.size(); ++i) arguments[i] = words[i].data();
    return rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
  }();
  ASSERT_TRUE(is_started);
}

}  // namespace flowmark
