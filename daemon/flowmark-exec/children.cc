#include "daemon/flowmark-exec/children.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/on_exit.h"

namespace flowmark {
namespace {

/// A file in memory: however long the input is, nobody waits for the command to read it.
int file_of(const std::string& input) {
  const int file = memfd_create("verdicts", MFD_CLOEXEC);
  if (file < 0) fail("no memory for a command's input: {}", strerror(errno));
  for (size_t written = 0; written < input.size();) {
    const ssize_t length = write(file, input.data() + written, input.size() - written);
    if (length < 0) {
      const int error = errno;
      close(file);
      fail("no memory for a command's input: {}", strerror(error));
    }
    written += static_cast<size_t>(length);
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

/// In a group of its own, so that what the command starts is killed with it; with no signal
/// blocked.
int spawn(pid_t& pid, const std::vector<std::string>& command, int input) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int error = posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Children::Children(std::vector<std::string> command, size_t most, std::chrono::seconds timeout)
    : command_(std::move(command)), most_(most), timeout_(timeout) {}

Children::~Children() {
  for (const Child& child : children_) {
    kill(-child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
  }
}

void Children::start(const std::string& input, Clock::time_point now) {
  const int file = file_of(input);
  const OnExit close_file([file] { close(file); });
  pid_t pid = 0;
  if (const int error = spawn(pid, command_, file); error != 0) {
    fail("{}: cannot be started: {}", command_.front(), strerror(error));
  }
  children_.push_back({pid, now + timeout_});
}

std::vector<Children::Ended> Children::reap(Clock::time_point now) {
  std::vector<Ended> ended;
  std::erase_if(children_, [&](Child& child) {
    int status = 0;
    if (waitpid(child.pid, &status, WNOHANG) == 0) {
      if (now < child.deadline || child.killed) return false;
      child.killed = kill(-child.pid, SIGKILL) == 0;
      return false;
    }
    const std::string& name = command_.front();
    if (child.killed) {
      ended.push_back({false, fmt::format("{} was killed after {} s", name, timeout_.count())});
    } else if (WIFSIGNALED(status)) {
      ended.push_back({false, fmt::format("{} was ended by signal {}", name, WTERMSIG(status))});
    } else {
      const int code = WEXITSTATUS(status);
      ended.push_back({code == 0, fmt::format("{} ended with status {}", name, code)});
    }
    return true;
  });
  return ended;
}

Children::Clock::time_point Children::next_deadline() const {
  Clock::time_point next = Clock::time_point::max();
  for (const Child& child : children_) {
    if (!child.killed) next = std::min(next, child.deadline);
  }
  return next;
}

}  // namespace flowmark
