#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace flowmark::qoe {

/// All Ethernet frames that come in by an interface, and a way to send some. One thread.
class PacketSocket {
 public:
  /// Throws std::runtime_error with the interface's name and what failed. Needs CAP_NET_RAW.
  explicit PacketSocket(const std::string& interface);
  ~PacketSocket();
  PacketSocket(const PacketSocket&) = delete;
  PacketSocket& operator=(const PacketSocket&) = delete;

  int descriptor() const noexcept { return descriptor_; }
  /// The frame's size, 0 when none waits. A frame that is larger than `room` is cut.
  size_t receive(std::span<uint8_t> room);
  /// False: the interface did not take it.
  bool send(std::span<const uint8_t> frame);

 private:
  int descriptor_;
};

}  // namespace flowmark::qoe
