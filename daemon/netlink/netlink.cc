#include "daemon/netlink/netlink.h"

#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace flowmark {
namespace {

constexpr size_t kReceiveBytes = 256 * 1024;
// Room for the answers to a batch, however small the system's default is.
constexpr int kReceiveBufferBytes = 4 * 1024 * 1024;

struct Awaited {
  std::vector<bool> is_acknowledged;  ///< of each message
  size_t count = 0;                   ///< of those that are
};

/// Numbers the messages from `first` on.
Awaited number_messages(std::span<uint8_t> messages, uint32_t first) {
  Awaited awaited;
  for (size_t at = 0; at < messages.size();) {
    auto* header = reinterpret_cast<nlmsghdr*>(messages.data() + at);
    header->nlmsg_seq = first++;
    awaited.is_acknowledged.push_back((header->nlmsg_flags & NLM_F_ACK) != 0);
    awaited.count += awaited.is_acknowledged.back() ? 1 : 0;
    at += NLMSG_ALIGN(header->nlmsg_len);
  }
  return awaited;
}

}  // namespace

Netlink::Netlink() : socket_(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC)) {
  if (socket_ == nullptr) fail("no netlink socket: {}", strerror(errno));
  if (mnl_socket_bind(socket_, 0, MNL_SOCKET_AUTOPID) < 0) {
    const int error = errno;
    mnl_socket_close(socket_);
    fail("the netlink socket cannot be bound: {}", strerror(error));
  }
  int on = 1;
  mnl_socket_setsockopt(socket_, NETLINK_CAP_ACK, &on, sizeof on);  // answers without the question
  const int size = kReceiveBufferBytes;
  const int descriptor = mnl_socket_get_fd(socket_);
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  buffer_.resize(kReceiveBytes);
}

Netlink::~Netlink() {
  mnl_socket_close(socket_);
}

nlmsghdr& Netlink::begin_message(void* place, int type, int flags, uint8_t family) {
  nlmsghdr* header = mnl_nlmsg_put_header(place);
  header->nlmsg_type = static_cast<uint16_t>(type);
  header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  auto* payload = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  payload->nfgen_family = family;
  payload->version = NFNETLINK_V0;
  payload->res_id = 0;
  return *header;
}

size_t Netlink::receive() {
  const ssize_t length = mnl_socket_recvfrom(socket_, buffer_.data(), buffer_.size());
  if (length < 0) fail("netlink: no answer: {}", strerror(errno));
  return static_cast<size_t>(length);
}

bool Netlink::dump(nlmsghdr& request, const std::function<void(const nlmsghdr&)>& on_message) {
  request.nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_, &request, request.nlmsg_len) < 0) {
    fail("netlink: the entries cannot be asked for: {}", strerror(errno));
  }
  bool is_whole = true;
  for (;;) {
    int left = static_cast<int>(receive());
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_seq != sequence_) continue;
      if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) is_whole = false;
      if (message->nlmsg_type == NLMSG_DONE) return is_whole;
      if (message->nlmsg_type == NLMSG_ERROR) {
        const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
        fail("netlink: the entries cannot be read: {}", strerror(-error->error));
      }
      on_message(*message);
    }
  }
}

std::vector<int> Netlink::request(std::span<uint8_t> messages) {
  const uint32_t first = sequence_ + 1;
  const Awaited awaited = number_messages(messages, first);
  const size_t count = awaited.is_acknowledged.size();
  sequence_ += static_cast<uint32_t>(count);
  if (mnl_socket_sendto(socket_, messages.data(), messages.size()) < 0) {
    fail("netlink: the changes cannot be sent: {}", strerror(errno));
  }
  std::vector<int> answers(count, 0);
  for (size_t answered = 0; answered < awaited.count;) {
    int left = static_cast<int>(receive());
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      const uint32_t at = message->nlmsg_seq - first;
      if (message->nlmsg_type != NLMSG_ERROR || at >= count) continue;
      answers[at] = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
      if (!awaited.is_acknowledged[at]) return answers;
      ++answered;
    }
  }
  return answers;
}

}  // namespace flowmark
