#include "daemon/flowmarkd/stream/verdict_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "daemon/flowmarkd/stream/stream_thread.h"
#include "unit/flowmarkd/stream/made_flow_event.h"
#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::made_flow_event;
using Kind = FlowEvent::Kind;

/// A program that reads the stream, or does not.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Reader() { close(fd_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// The lines that have come, without waiting for more.
  std::vector<json> lines() {
    std::array<char, 65536> buffer;
    for (ssize_t n; (n = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
      text_.append(buffer.data(), static_cast<size_t>(n));
    }
    std::vector<json> out;
    for (size_t end; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1)) {
      out.push_back(json::parse(text_.substr(0, end)));
    }
    return out;
  }
  /// Waits until the other side ends the connection; all lines by then.
  std::vector<json> lines_to_the_end() {
    std::vector<json> all;
    for (;;) {
      pollfd state{fd_, POLLIN, 0};
      EXPECT_EQ(poll(&state, 1, 60'000), 1);
      for (json& line : lines()) all.push_back(std::move(line));
      char byte = 0;
      const ssize_t n = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return all;
    }
  }
  void write(const std::string& text) { EXPECT_GT(send(fd_, text.data(), text.size(), 0), 0); }
  void end_input() { shutdown(fd_, SHUT_WR); }

 private:
  int fd_;
  std::string text_;
};

std::vector<std::string> types(const std::vector<json>& lines) {
  std::vector<std::string> out;
  for (const json& line : lines) {
    out.push_back(line["type"].get<std::string>() + (line.contains("snapshot") ? "*" : ""));
  }
  return out;
}

uint64_t sum_of_lost(const std::vector<json>& lines) {
  uint64_t sum = 0;
  for (const json& line : lines) {
    if (line["type"] == "lost") sum += line["lines"].get<uint64_t>();
  }
  return sum;
}

class VerdictStreamTest : public ::testing::Test {
 protected:
  VerdictStreamTest() {
    settings_.verdict_stream.socket = folder_.path() / "stream.sock";
    settings_.verdict_stream.buffer_kib = 16;
  }
  VerdictStream& stream() {
    if (!stream_) stream_ = std::make_unique<VerdictStream>(settings_, names_);
    return *stream_;
  }
  std::vector<json> file_lines(const char* name) const {
    std::ifstream in(folder_.path() / name);
    std::vector<json> out;
    for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
    return out;
  }

  testing::TemporaryFolder folder_;
  Settings settings_;
  StreamLines::Names names_ = [](uint64_t) { return std::make_shared<ModelNames>(); };
  std::unique_ptr<VerdictStream> stream_;
};

TEST_F(VerdictStreamTest, AReaderIsToldWhatLivesAndThenWhatHappens) {
  stream().take(made_flow_event(1));
  stream().take(made_flow_event(2));
  stream().take(made_flow_event(2, Kind::ended));
  Reader reader(settings_.verdict_stream.socket);
  stream().serve();
  EXPECT_THAT(types(reader.lines()), ElementsAre("hello", "mark*", "live"));
  stream().take(made_flow_event(3));
  stream().take(made_flow_event(1, Kind::refreshed));
  stream().take(made_flow_event(1, Kind::ended));
  stream().serve();
  const auto lines = reader.lines();
  ASSERT_THAT(types(lines), ElementsAre("mark", "end"));
  EXPECT_EQ(lines[0]["flow"]["source_port"], 3);
  EXPECT_EQ(lines[1]["reason"], "idle");
}

TEST_F(VerdictStreamTest, AReaderThatNeverReadsLosesLinesAndIsToldWhere) {
  stream();
  Reader idle(settings_.verdict_stream.socket);
  Reader good(settings_.verdict_stream.socket);
  stream().serve();
  constexpr uint16_t kFlows = 5000;
  size_t told = 0;
  for (uint16_t port = 1; port <= kFlows; ++port) {
    stream().take(made_flow_event(port));
    stream().serve();
    told += good.lines().size();
  }
  EXPECT_EQ(told, kFlows + 2U) << "with hello and live";
  const uint64_t lost = stream().counts().lost_to_readers;
  EXPECT_GT(lost, 0U);
  EXPECT_LT(lost, kFlows);
  // It wakes up.
  std::vector<json> late;
  for (int i = 0; i < 100; ++i) {
    for (json& line : idle.lines()) late.push_back(std::move(line));
    stream().serve();
  }
  stream().take(made_flow_event(kFlows, Kind::ended));
  stream().serve();
  for (json& line : idle.lines()) late.push_back(std::move(line));
  EXPECT_EQ(sum_of_lost(late), lost);
  const auto marks = static_cast<uint64_t>(
      std::ranges::count_if(late, [](const json& line) { return line["type"] == "mark"; }));
  EXPECT_EQ(marks + lost, kFlows);
  EXPECT_EQ(late.back()["type"], "end");
}

TEST_F(VerdictStreamTest, ASnapshotLargerThanTheBufferIsComplete) {
  constexpr uint16_t kFlows = 3000;
  for (uint16_t port = 1; port <= kFlows; ++port) stream().take(made_flow_event(port));
  Reader reader(settings_.verdict_stream.socket);
  std::vector<json> lines;
  while (lines.empty() || lines.back()["type"] != "live") {
    stream().serve();
    for (json& line : reader.lines()) lines.push_back(std::move(line));
  }
  EXPECT_EQ(lines.size(), kFlows + 2U);
  EXPECT_EQ(lines.back()["flows"], kFlows);
  EXPECT_EQ(stream().counts().lost_to_readers, 0U);
}

TEST_F(VerdictStreamTest, LossesOnTheWayFromTheWorkersAreToldToAll) {
  stream();
  Reader reader(settings_.verdict_stream.socket);
  stream().serve();
  reader.lines();
  stream().take_loss(3);
  stream().take(made_flow_event(1));
  stream().serve();
  EXPECT_THAT(types(reader.lines()), ElementsAre("lost", "mark"));
}

TEST_F(VerdictStreamTest, ReadersComeAndGoAndWhatTheyWriteIsIgnored) {
  stream();
  {
    Reader reader(settings_.verdict_stream.socket);
    reader.write("anything\n");
    stream().serve();
    EXPECT_EQ(stream().counts().readers, 1U);
    EXPECT_THAT(types(reader.lines()), ElementsAre("hello", "live"));
    reader.end_input();
    stream().serve();
    EXPECT_EQ(stream().counts().readers, 1U) << "it may still read";
  }
  stream().serve();
  EXPECT_EQ(stream().counts().readers, 0U);
  std::list<Reader> many;
  for (size_t i = 0; i < VerdictStream::kMaxReaders; ++i) {
    many.emplace_back(settings_.verdict_stream.socket);
  }
  stream().serve();
  Reader one_more(settings_.verdict_stream.socket);
  stream().serve();
  EXPECT_TRUE(one_more.lines_to_the_end().empty());
  EXPECT_EQ(stream().counts().readers, VerdictStream::kMaxReaders);
}

TEST_F(VerdictStreamTest, EachFileBeginsWithWhatLives) {
  settings_.verdict_stream = {.socket = {}, .file = folder_.path() / "verdicts.jsonl"};
  stream().take(made_flow_event(1));
  stream().serve();
  EXPECT_THAT(types(file_lines("verdicts.jsonl")), ElementsAre("hello", "live", "mark"));
  std::filesystem::rename(folder_.path() / "verdicts.jsonl", folder_.path() / "old");
  stream().reopen_file();
  stream().serve();
  stream().take(made_flow_event(1, Kind::ended));
  stream().serve();
  EXPECT_THAT(types(file_lines("verdicts.jsonl")), ElementsAre("hello", "mark*", "live", "end"));
  EXPECT_EQ(file_lines("old").size(), 3U);
}

TEST_F(VerdictStreamTest, WhatAFullDiskDoesNotTakeIsCounted) {
  settings_.verdict_stream = {.socket = {}, .file = "/dev/full", .buffer_kib = 16};
  for (uint16_t port = 1; port <= 100; ++port) stream().take(made_flow_event(port));
  stream().serve();
  EXPECT_GT(stream().counts().lost_to_file, 0U);
}

TEST_F(VerdictStreamTest, TheEndOfTheDaemonEndsAllFlowsForReadersThatRead) {
  constexpr uint16_t kFlows = 500;
  settings_.verdict_stream.buffer_kib = 1024;  // for all lines: nothing depends on who is faster
  const auto counters = std::make_unique<WorkerCounters>();
  FlowRing ring(1024, *counters);
  auto thread = std::make_unique<StreamThread>(std::vector{&ring},
                                               std::make_unique<VerdictStream>(settings_, names_));
  Reader reader(settings_.verdict_stream.socket);
  for (uint16_t port = 1; port <= kFlows; ++port) ring.on_flow(made_flow_event(port));
  std::thread stopping([&thread] { thread.reset(); });
  const auto lines = reader.lines_to_the_end();
  stopping.join();
  EXPECT_EQ(sum_of_lost(lines), 0U);
  EXPECT_EQ(std::ranges::count_if(lines, [](const json& line) { return line["type"] == "mark"; }),
            kFlows);
  EXPECT_EQ(std::ranges::count_if(lines,
                                  [](const json& line) {
                                    return line["type"] == "end" && line["reason"] == "stopped";
                                  }),
            kFlows);
}

TEST_F(VerdictStreamTest, RefusesPlacesThatAreNoGood) {
  stream();
  const auto refusal = [](const StreamSettings& settings) -> std::string {
    try {
      VerdictStream::check(settings, false);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_THAT(refusal(settings_.verdict_stream), HasSubstr("verdict_stream.socket: value "));
  EXPECT_THAT(refusal({.socket = {}, .file = folder_.path()}),
              HasSubstr("verdict_stream.file: value "));
  EXPECT_EQ(refusal({.socket = folder_.path() / "other", .file = folder_.path() / "f"}), "");
}

}  // namespace
}  // namespace flowmark
