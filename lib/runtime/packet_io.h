#pragma once

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "net/packet.h"
#include "runtime/idle_pace.h"

namespace flowmark {

/// Where a worker's packets come from and go to: DPDK ports, a capture, a test. Used by one thread.
/// All calls but the constructor are the packet path.
class PacketIo {
 public:
  virtual ~PacketIo() = default;

  /// Receives up to out.size() packets of one port, times ascending. Their bytes stay the
  /// implementation's and valid until transmit().
  virtual size_t receive(std::span<Packet> out) noexcept = 0;

  /// Packets that the last receive() forwarded without showing them: work, too.
  virtual size_t passed_by() const noexcept { return 0; }

  /// Takes back exactly the packets of the last receive(), to forward or (mirror) to free.
  /// `marked[i]` says that packet i was changed. Every packet ends in a counter: transmitted, or
  /// dropped with a reason. Also called after an empty receive(), to move what still waits.
  virtual void transmit(std::span<const Packet> packets, std::span<const bool> marked) noexcept = 0;

  /// No packet will come any more (the capture's end); never true of ports.
  virtual bool finished() const noexcept = 0;

  /// The clock the packets' times are of, for expiry between packets.
  virtual TimeUs now() const noexcept = 0;

  /// Nothing comes: waits for `ns` nanoseconds, or, from kInterruptRestNs on and where an interrupt
  /// can tell of packets, until one does (a few milliseconds at most).
  virtual void rest(uint32_t ns) noexcept {
    const timespec pause{0, static_cast<long>(ns)};
    nanosleep(&pause, nullptr);
  }
  static constexpr uint32_t kInterruptRestNs = IdlePace::kRestNs;

  /// The worker stops: what still waits inside is sent or counted as dropped.
  virtual void close() noexcept {}
};

}  // namespace flowmark
