// wan_relay: carries Ethernet frames between two interfaces as an access network would.
//
//   wan_relay --inside IF --outside IF --seed N
//
// Every inside host may belong to a link; a link has its own conditions for each direction:
// a bottleneck (rate with a drop-tail queue), then loss in bursts (Gilbert model), then delay
// with jitter that wanders (first-order autoregression) instead of jumping. Order within a
// link and direction is kept unless `reorder=1`. Frames of hosts without a link (ARP, neighbour
// discovery, the lab's own housekeeping) pass at once.
//
// Commands on standard input, one answer line ("ok" or "error: ...") each:
//   link NAME up|down delay_us=N jitter_us=N loss=F burst=F rate_kbit=N queue_bytes=N reorder=0|1
//   host ADDRESS NAME
//   forget NAME            (drops the link and its hosts)
//   stats NAME             (ok sent lost queue_dropped, up then down)
// It ends when standard input is closed.

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kMaxFrame = 1514;  // a 1500-byte packet in Ethernet
constexpr int kBurst = 64;               // frames read from one side before the other gets its turn

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

struct Conditions {
  double delay_us = 0, jitter_us = 0, loss = 0, burst = 1, rate_kbit = 0, queue_bytes = 0;
  bool reorder = false;
};

struct Direction {
  Conditions conditions;
  std::int64_t busy_until = 0;      // the bottleneck has sent all it holds by then
  std::int64_t last_departure = 0;  // order is kept against this
  std::int64_t last_arrival = 0;
  double wander = 0;  // state of the jitter process, standard deviation 1
  bool losing = false;
  std::uint64_t sent = 0, lost = 0, queue_dropped = 0;
};

struct Link {
  std::array<Direction, 2> direction;  // 0: up (from inside), 1: down
};

using Address = std::array<std::uint8_t, 16>;  // IPv4 in the first four bytes, rest zero

struct Frame {
  std::int64_t when;
  std::uint64_t number;  // equal times leave in order of arrival
  int to;                // index of the socket
  std::vector<std::uint8_t> bytes;
};

struct Later {
  bool operator()(const std::unique_ptr<Frame>& a, const std::unique_ptr<Frame>& b) const {
    return a->when != b->when ? a->when > b->when : a->number > b->number;
  }
};

class Relay {
 public:
  Relay(const std::string& inside, const std::string& outside, std::uint64_t seed)
      : random_(seed), sockets_{open_side(inside), open_side(outside)} {}

  void run();

 private:
  static int open_side(const std::string& name);
  void receive(int side);
  void transmit(std::int64_t now);
  Link* link_of(const std::uint8_t* frame, std::size_t size, int side);
  bool departure(Direction& direction, std::size_t size, std::int64_t now, std::int64_t& when);
  bool read_commands();
  std::string command(const std::string& line);
  static std::string set_link(Link& link, std::istringstream& words);

  std::mt19937_64 random_;
  std::array<int, 2> sockets_;
  std::map<std::string, std::shared_ptr<Link>> links_;
  std::map<Address, std::string> hosts_;
  std::priority_queue<std::unique_ptr<Frame>, std::vector<std::unique_ptr<Frame>>, Later> waiting_;
  std::uint64_t frames_ = 0;
  std::uint64_t oversize_ = 0;
  std::string input_;
};

int Relay::open_side(const std::string& name) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (fd < 0)
    throw std::runtime_error("cannot open a packet socket: " + std::string(strerror(errno)));
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_ALL);
  at.sll_ifindex = static_cast<int>(if_nametoindex(name.c_str()));
  if (at.sll_ifindex == 0) throw std::runtime_error("no interface named " + name);
  const int on = 1;
  const int room = 8 << 20;
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = at.sll_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    throw std::runtime_error("cannot listen on " + name + ": " + strerror(errno));
  return fd;
}

// The inside host is the source of an upward frame and the destination of a downward one.
Link* Relay::link_of(const std::uint8_t* frame, std::size_t size, int side) {
  Address address{};
  const unsigned type = size >= 14 ? static_cast<unsigned>(frame[12] << 8 | frame[13]) : 0;
  if (type == ETHERTYPE_IP && size >= 34)
    std::memcpy(address.data(), frame + (side == 0 ? 26 : 30), 4);
  else if (type == ETHERTYPE_IPV6 && size >= 54)
    std::memcpy(address.data(), frame + (side == 0 ? 22 : 38), 16);
  else
    return nullptr;
  const auto host = hosts_.find(address);
  if (host == hosts_.end()) return nullptr;
  const auto link = links_.find(host->second);
  return link == links_.end() ? nullptr : link->second.get();
}

// False: the frame does not survive the link.
bool Relay::departure(Direction& d, std::size_t size, std::int64_t now, std::int64_t& when) {
  const Conditions& c = d.conditions;
  when = now;
  if (c.rate_kbit > 0) {
    const double ns_per_byte = 8e6 / c.rate_kbit;
    const std::int64_t start = std::max(now, d.busy_until);
    if (static_cast<double>(start - now) / ns_per_byte + static_cast<double>(size) >
        c.queue_bytes) {
      ++d.queue_dropped;
      return false;
    }
    when = d.busy_until = start + std::llround(static_cast<double>(size) * ns_per_byte);
  }
  std::uniform_real_distribution<double> uniform;
  if (c.loss > 0) {
    const double leave = 1.0 / std::max(c.burst, 1.0);
    const double enter = c.loss * leave / (1.0 - c.loss);
    d.losing = uniform(random_) < (d.losing ? 1.0 - leave : enter);
    if (d.losing) {
      ++d.lost;
      return false;
    }
  }
  std::normal_distribution<double> normal;
  const double kept =
      std::exp(-static_cast<double>(now - d.last_arrival) / 50e6);  // forgets in 50 ms
  d.wander = kept * d.wander + std::sqrt(1.0 - kept * kept) * normal(random_);
  d.last_arrival = now;
  const double jitter_us =
      c.jitter_us * (0.8 * std::abs(d.wander) + 0.2 * std::abs(normal(random_)));
  when += std::llround((c.delay_us + jitter_us) * 1e3);
  if (!c.reorder) when = std::max(when, d.last_departure);
  d.last_departure = when;
  ++d.sent;
  return true;
}

void Relay::receive(int side) {
  std::array<std::uint8_t, 65536> buffer;
  for (int i = 0; i < kBurst; ++i) {
    const ssize_t got =
        recv(sockets_[static_cast<std::size_t>(side)], buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    const auto size = static_cast<std::size_t>(got);
    if (size > kMaxFrame) {  // an offload is still on somewhere: such a frame is on no real wire
      if (oversize_++ == 0) std::fprintf(stderr, "wan_relay: dropped a frame of %zu bytes\n", size);
      continue;
    }
    std::int64_t when = now_ns();
    if (Link* link = link_of(buffer.data(), size, side))
      if (!departure(link->direction[static_cast<std::size_t>(side)], size, when, when)) continue;
    auto frame = std::make_unique<Frame>();
    frame->when = when;
    frame->number = frames_++;
    frame->to = 1 - side;
    frame->bytes.assign(buffer.begin(), buffer.begin() + got);
    waiting_.push(std::move(frame));
  }
}

void Relay::transmit(std::int64_t now) {
  while (!waiting_.empty() && waiting_.top()->when <= now) {
    const Frame& frame = *waiting_.top();
    const int fd = sockets_[static_cast<std::size_t>(frame.to)];
    if (send(fd, frame.bytes.data(), frame.bytes.size(), 0) < 0 && errno != ENOBUFS &&
        errno != EAGAIN)
      std::fprintf(stderr, "wan_relay: send: %s\n", strerror(errno));
    waiting_.pop();
  }
}

std::string Relay::set_link(Link& link, std::istringstream& words) {
  std::string side, word;
  words >> side;
  if (side != "up" && side != "down") return "error: direction '" + side + "', want up or down";
  Conditions c;
  while (words >> word) {
    const auto equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (equals == std::string::npos) return "error: '" + word + "', want key=value";
    const double value = std::strtod(word.c_str() + equals + 1, nullptr);
    if (!(value >= 0) || (key == "loss" && value >= 1))
      return "error: value of " + key + " out of range";
    if (key == "delay_us")
      c.delay_us = value;
    else if (key == "jitter_us")
      c.jitter_us = value;
    else if (key == "loss")
      c.loss = value;
    else if (key == "burst")
      c.burst = value;
    else if (key == "rate_kbit")
      c.rate_kbit = value;
    else if (key == "queue_bytes")
      c.queue_bytes = value;
    else if (key == "reorder")
      c.reorder = value != 0;
    else
      return "error: unknown key " + key;
  }
  link.direction[side == "up" ? 0 : 1].conditions = c;
  return "ok";
}

std::string Relay::command(const std::string& line) {
  std::istringstream words(line);
  std::string verb, name, link;
  words >> verb >> name;
  if (verb == "link") {
    auto& slot = links_[name];
    if (!slot) slot = std::make_shared<Link>();
    return set_link(*slot, words);
  }
  if (verb == "host") {
    words >> link;
    Address address{};
    if (inet_pton(AF_INET, name.c_str(), address.data()) != 1 &&
        inet_pton(AF_INET6, name.c_str(), address.data()) != 1)
      return "error: '" + name + "' is no address";
    hosts_[address] = link;
    return "ok";
  }
  if (verb == "forget") {
    std::erase_if(hosts_, [&](const auto& host) { return host.second == name; });
    links_.erase(name);
    return "ok";
  }
  if (verb == "stats" && links_.count(name) != 0) {
    std::ostringstream out;
    out << "ok";
    for (const Direction& d : links_[name]->direction)
      out << ' ' << d.sent << ' ' << d.lost << ' ' << d.queue_dropped;
    return out.str();
  }
  return "error: cannot do '" + line + "'";
}

bool Relay::read_commands() {
  std::array<char, 4096> buffer;
  const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
  if (got <= 0) return false;
  input_.append(buffer.data(), static_cast<std::size_t>(got));
  for (std::size_t end; (end = input_.find('\n')) != std::string::npos; input_.erase(0, end + 1)) {
    std::puts(command(input_.substr(0, end)).c_str());
    std::fflush(stdout);
  }
  return true;
}

void Relay::run() {
  std::array<pollfd, 3> waits{
      {{sockets_[0], POLLIN, 0}, {sockets_[1], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  for (;;) {
    timespec timeout{1, 0};
    if (!waiting_.empty()) {
      const std::int64_t left = std::max<std::int64_t>(0, waiting_.top()->when - now_ns());
      timeout = {left / 1'000'000'000, left % 1'000'000'000};
    }
    if (ppoll(waits.data(), waits.size(), &timeout, nullptr) < 0 && errno != EINTR)
      throw std::runtime_error("poll: " + std::string(strerror(errno)));
    for (int side = 0; side < 2; ++side)
      if (waits[static_cast<std::size_t>(side)].revents != 0) receive(side);
    transmit(now_ns());
    if (waits[2].revents != 0 && !read_commands()) return;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  if (argc != 7 || !options.count("--inside") || !options.count("--outside") ||
      !options.count("--seed")) {
    std::fprintf(stderr, "use: wan_relay --inside IF --outside IF --seed N\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1);
  Relay relay(options["--inside"], options["--outside"],
              std::strtoull(options["--seed"].c_str(), nullptr, 10));
  std::puts("ready");
  std::fflush(stdout);
  relay.run();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "wan_relay: %s\n", error.what());
  return 1;
}
