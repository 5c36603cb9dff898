// What a start refuses before DPDK runs: rings, memory, ports that somebody has.
#include "dpdk/port_check.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/error.h"
#include "dpdk/eal_plan.h"
#include "dpdk/packet_pool.h"
#include "dpdk/packet_ring.h"
#include "dpdk/port_lock.h"

namespace flowmark {
namespace {

PortSettings port(const std::string& name, uint16_t mtu = 0) {
  PortSettings settings;
  settings.name = name;
  settings.mtu = mtu;
  return settings;
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PacketRing, ReadsTheVdevString) {
  const PacketRing defaults = read_ring(port("net_af_packet0,iface=eth0"), 0, 1500);
  EXPECT_EQ(defaults.frame_size, 2048u);
  EXPECT_EQ(defaults.frame_count, 512u);
  EXPECT_EQ(defaults.longest_frame(), 1982u);
  const PacketRing given =
      read_ring(port("net_af_packet0,iface=eth0,blocksz=65536,framesz=16384,framecnt=64"), 0, 9000);
  EXPECT_EQ(given.frame_size, 16384u);
  EXPECT_EQ(given.block_size, 65536u);
  EXPECT_EQ(given.frame_count, 64u);
}

TEST(PacketRing, RefusesWhatTheKernelOrTheDriverWould) {
  const auto told = [](const std::string& arguments, uint32_t mtu = 1500) {
    return refusal([&] { read_ring(port("net_af_packet1,iface=eth0" + arguments), 1, mtu); });
  };
  EXPECT_EQ(told(""), "");
  EXPECT_EQ(told("", 1964), "");
  EXPECT_NE(told("", 1965).find("MTU 1965"), std::string::npos);
  EXPECT_NE(told(",framesz=16384").find("ports[1].name: blocksz: value 4096"), std::string::npos);
  EXPECT_NE(told(",framesz=2040").find("framesz: value 2040"), std::string::npos);
  EXPECT_NE(told(",blocksz=65536,framesz=65536").find("framesz: value 65536"), std::string::npos);
  EXPECT_NE(told(",blocksz=5000").find("blocksz: value 5000"), std::string::npos);
  EXPECT_NE(told(",framecnt=511").find("framecnt: value 511"), std::string::npos);
  EXPECT_NE(told(",framecnt=0").find("framecnt: value 0"), std::string::npos);
  EXPECT_NE(told(",framecnt=1k").find("framecnt: value 1k"), std::string::npos);
}

TEST(PacketRing, KnowsTheKernelsInterface) {
  EXPECT_EQ(interface_of(port("net_af_packet0,iface=eth0,qpairs=2")), "eth0");
  EXPECT_EQ(interface_of(port("net_pcap0,rx_iface_in=eth1,tx_iface=eth1")), "eth1");
  EXPECT_EQ(interface_of(port("net_pcap0, tx_iface=eth2")), "eth2");
  EXPECT_EQ(interface_of(port("net_pcap0,rx_pcap=iface.pcap")), "");
  EXPECT_EQ(interface_of(port("net_tap0,iface=made")), "");
  EXPECT_EQ(interface_of(port("net_null0")), "");
  EXPECT_EQ(interface_of(port("0000:01:00.0")), "");
}

TEST(IsPci, TakesAddressesWithAndWithoutADomain) {
  for (const char* name : {"0000:01:00.0", "01:00.7", "0000AbCd:fF:1f.1", "01:00.0,key=value"}) {
    EXPECT_TRUE(is_pci(port(name))) << name;
  }
  for (const char* name : {"", "net_null0", "000:01:00.0", "000000000:01:00.0", "1:00.0", "01:00.8",
                           "01:00.0 ", "01:00", ":01:00.0", "0000:01:0g.0", "net_null0,01:00.0"}) {
    EXPECT_FALSE(is_pci(port(name))) << name;
  }
}

TEST(PortCheck, AnMtuThatTheDriverCannotSetIsRefused) {
  const auto told = [](const char* name, uint16_t mtu) {
    return refusal([&] { check_port(port(name, mtu), 1); });
  };
  for (const char* name : {"net_ring0", "net_pcap0,rx_pcap=/dev/null", "net_memif0"}) {
    EXPECT_NE(told(name, 1500).find("ports[1].mtu: value 1500"), std::string::npos) << name;
    EXPECT_EQ(told(name, 0), "") << name;
  }
  EXPECT_EQ(told("net_null0", 9000), "");
}

TEST(PortCheck, AMissingCaptureIsNamed) {
  const std::string told =
      refusal([] { check_port(port("net_pcap0,rx_pcap=/nonexistent,tx_pcap=/tmp/out"), 0); });
  EXPECT_NE(told.find("ports[0].name"), std::string::npos);
  EXPECT_NE(told.find(": /nonexistent: No such file or directory"), std::string::npos) << told;
}

TEST(PortCheck, AMissingInterfaceIsNamed) {
  const std::string told = refusal([] { check_port(port("net_af_packet0,iface=nosuchif0"), 0); });
  EXPECT_NE(told.find("ports[0].name"), std::string::npos);
  EXPECT_NE(told.find("no network interface nosuchif0"), std::string::npos);
}

TEST(PacketMemory, LargeFramesNeedMore) {
  Settings settings;
  settings.ports = {port("net_null0"), port("net_null1")};
  settings.eal.memory_mb = 64;
  EXPECT_EQ(refusal([&] { check_packet_memory(settings); }), "");
  settings.ports[1] = port("net_af_packet0,iface=eth0,blocksz=65536,framesz=16384,framecnt=64");
  EXPECT_NE(refusal([&] { check_packet_memory(settings); }).find("eal.memory_mb: value 64"),
            std::string::npos);
}

TEST(PortLock, APortIsHeldUntilItsHolderEnds) {
  Settings settings;
  settings.file = "/one.yaml";
  settings.eal.file_prefix = "lock" + std::to_string(getpid());
  settings.ports = {port("net_af_packet0,iface=" + settings.eal.file_prefix)};
  Settings other = settings;
  other.file = "/other.yaml";
  other.eal.file_prefix += "x";
  int ready[2], end[2];
  ASSERT_EQ(pipe(ready) + pipe(end), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const PortLock lock(settings);
    char byte = 0;
    _exit(write(ready[1], &byte, 1) == 1 && read(end[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const std::string by = "another flowmarkd, process " + std::to_string(holder);
  EXPECT_NE(refusal([&] { PortLock{other}; }).find(by), std::string::npos);
  EXPECT_NE(refusal([&] { PortLock(other, true); }).find(by), std::string::npos);
  EXPECT_NE(refusal([&] { PortLock{settings}; }).find(by), std::string::npos);
  EXPECT_EQ(refusal([&] { PortLock(settings, true); }), "") << "its own configuration";
  other.ports = {port("net_null0")};
  EXPECT_EQ(refusal([&] { PortLock{other}; }), "");
  other.eal.file_prefix = settings.eal.file_prefix;
  EXPECT_NE(refusal([&] { PortLock{other}; }).find("eal.file_prefix"), std::string::npos);
  ASSERT_EQ(write(end[1], &byte, 1), 1);
  int status = -1;
  ASSERT_EQ(waitpid(holder, &status, 0), holder);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(refusal([&] { PortLock{settings}; }), "");
}

TEST(PortLock, TheSameInterfaceTwiceIsRefused) {
  Settings settings;
  settings.eal.file_prefix = "twice" + std::to_string(getpid());
  settings.ports = {port("net_af_packet0,iface=" + settings.eal.file_prefix),
                    port("net_af_packet1,iface=" + settings.eal.file_prefix)};
  EXPECT_NE(refusal([&] { PortLock{settings}; }).find("ports[1].name"), std::string::npos);
}

}  // namespace
}  // namespace flowmark
