#pragma once

#include <cstdint>
#include <functional>

#include "dpdk/eal_plan.h"

namespace flowmark {

/// The DPDK environment of this process: one at a time, and DPDK lets a process have it only once.
class Eal {
 public:
  /// Throws Error with DPDK's reason.
  explicit Eal(const EalPlan& plan, const std::string& file_prefix);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  /// Runs `work` on an lcore; it must stay valid until wait().
  void launch(unsigned lcore, const std::function<void()>& work);
  void wait(unsigned lcore);

 private:
  std::string file_prefix_;
};

/// The frequency of read_cycles(): as the processor tells it or else as the EAL measured it at its
/// start, within 10 MHz.
uint64_t ticks_per_second() noexcept;

}  // namespace flowmark
