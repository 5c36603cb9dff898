#include "runtime/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/writable.h"

namespace flowmark {
namespace {

sockaddr_un address_of(const std::string& key, const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    fail("{}: value {}: longer than the {} bytes a socket's path may have", key, text,
         sizeof address.sun_path - 1);
  }
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool somebody_listens(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answered = connect(fd, generic(address), sizeof address) == 0;
  close(fd);
  return answered;
}

}  // namespace

void check_unix_listener(const std::string& key, const std::filesystem::path& path,
                         bool may_be_in_use) {
  const sockaddr_un address = address_of(key, path);
  if (somebody_listens(address)) {
    if (may_be_in_use) return;
    fail("{}: value {}: another flowmarkd listens there", key, path.string());
  }
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
    fail("{}: value {}: there is something else than a socket", key, path.string());
  }
  if (const std::string reason = why_not_writable(path.parent_path()); !reason.empty()) {
    fail("{}: value {}: {}", key, path.string(), reason);
  }
}

int listen_unix(const std::string& key, const std::filesystem::path& path, int backlog) {
  check_unix_listener(key, path, false);
  const sockaddr_un address = address_of(key, path);
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path.c_str());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const mode_t before = umask(0117);
  const bool bound = bind(fd, generic(address), sizeof address) == 0;
  umask(before);
  if (!bound || listen(fd, backlog) != 0) {
    const int error = errno;
    close(fd);
    fail("{}: value {}: {}", key, path.string(), strerror(error));
  }
  return fd;
}

}  // namespace flowmark
