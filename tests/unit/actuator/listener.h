#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

namespace flowmark {

/// The daemon's side of the socket, in a folder of its own, for one reader.
class Listener {
 public:
  Listener() {
    std::string pattern = std::filesystem::temp_directory_path() / "flowmark-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size() + 1);
    listen_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(listen_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listen_, 4), 0);
  }
  ~Listener() {
    hang_up();
    close();
    std::filesystem::remove_all(folder_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::string path() const { return folder_ / "s"; }
  void accept() {
    hang_up();
    reader_ = ::accept4(listen_, nullptr, nullptr, SOCK_CLOEXEC);
    ASSERT_GE(reader_, 0);
  }
  void write(std::string_view text) {
    ASSERT_EQ(send(reader_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  /// What fits without waiting.
  size_t write_some(std::string_view text) {
    const ssize_t sent = send(reader_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }
  void hang_up() {
    if (reader_ >= 0) ::close(reader_);
    reader_ = -1;
  }
  /// Nobody can connect any more.
  void close() {
    if (listen_ >= 0) ::close(listen_);
    listen_ = -1;
  }

 private:
  std::filesystem::path folder_;
  int listen_ = -1;
  int reader_ = -1;
};

}  // namespace flowmark
