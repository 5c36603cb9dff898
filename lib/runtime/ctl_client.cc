#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "runtime/ctl_client.h"

namespace flowmark {
namespace {

/// A reload is answered when its models are loaded, for which there is half a minute.
constexpr time_t kPatienceSeconds = 40;

class Connection {
 public:
  explicit Connection(const std::filesystem::path& path)
      : path_(path.string()), fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) fail("{}: too long for a socket", path_);
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    const timeval patience{kPatienceSeconds, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      const int error = errno;
      close(fd_);
      fail(
          "{}: no flowmarkd answers there: {} (is it running? see control.socket in its "
          "configuration, or --socket here)",
          path_, strerror(error));
    }
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void write(const std::string& text) {
    for (size_t sent = 0; sent < text.size();) {
      const ssize_t length = send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (length < 0) fail("{}: the request cannot be sent: {}", path_, strerror(errno));
      sent += static_cast<size_t>(length);
    }
  }

  std::string read_line() {
    std::string line;
    std::array<char, 16 * 1024> buffer;
    while (line.find('\n') == std::string::npos) {
      const ssize_t length = recv(fd_, buffer.data(), buffer.size(), 0);
      if (length < 0 && errno == EAGAIN) {
        fail("{}: flowmarkd has not answered within {} s", path_, kPatienceSeconds);
      }
      if (length < 0) fail("{}: no answer: {}", path_, strerror(errno));
      if (length == 0) fail("{}: flowmarkd closed the connection without an answer", path_);
      line.append(buffer.data(), static_cast<size_t>(length));
    }
    return line.substr(0, line.find('\n'));
  }

 private:
  std::string path_;
  int fd_;
};

}  // namespace

std::string ctl_request(const std::filesystem::path& socket, const std::string& request) {
  Connection connection(socket);
  connection.write(request + "\n");
  return connection.read_line();
}

}  // namespace flowmark
