// A recorded flow that is played alone has the verdicts that the worker gives it among all others
// of its capture. The packets come one by one: a replay's bursts of up to a millisecond would let a
// window hold some packets more than made it due.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "capture/sequence_file.h"
#include "deployed/play_flow.h"
#include "runtime/capture_io.h"
#include "runtime/model_store.h"
#include "runtime/wiring.h"
#include "runtime/worker.h"

namespace flowmark {
namespace {

/// The verdicts of a flow, one after the other: a class, or "" where the one before was withdrawn.
struct Course {
  std::vector<std::string> classes;
  uint64_t packets = 0;  ///< before the last of them

  void add(std::string_view class_name, uint64_t before) {
    if (class_name == (classes.empty() ? std::string_view() : classes.back())) return;
    classes.emplace_back(class_name);
    packets = before;
  }
};
using Courses = std::map<std::string, Course>;

class CourseSink final : public VerdictSink {
 public:
  explicit CourseSink(const ModelSet& models) : classes_(models.models()[0].model->classes) {}

  void on_verdict(const VerdictEvent& event) noexcept override {
    if (event.final) return;
    const bool stands = event.class_index != kNoClass;
    courses[to_string(event.key, event.up_is_a)].add(
        stands ? std::string_view(classes_[event.class_index]) : std::string_view(), event.packets);
  }

  Courses courses;

 private:
  const std::vector<std::string>& classes_;
};

/// A capture whose packets come one by one.
class SinglePackets final : public PacketIo {
 public:
  explicit SinglePackets(CaptureIo& capture) : capture_(capture) {}

  size_t receive(std::span<Packet> out) noexcept override { return capture_.receive(out.first(1)); }
  void transmit(std::span<const Packet> packets, std::span<const bool> marked) noexcept override {
    capture_.transmit(packets, marked);
  }
  bool finished() const noexcept override { return capture_.finished(); }
  TimeUs now() const noexcept override { return capture_.now(); }

 private:
  CaptureIo& capture_;
};

Settings demo_settings() {
  Settings settings;
  ModelSettings model;
  model.name = "category";
  model.path = FLOWMARK_SOURCE_DIR "/config/models/category.onnx";
  settings.models = {model};
  settings.inside = {Prefix::parse("10.77.0.0/16"), Prefix::parse("fd77::/64")};
  return settings;
}

const char* const kDemo = FLOWMARK_SOURCE_DIR "/config/demo/demo.pcap.gz";

Courses replayed(const Settings& settings) {
  const auto models = load_models(settings, 1);
  ModelPublisher publisher(1, models);
  const auto counters = std::make_unique<WorkerCounters>();
  CaptureIo capture(kDemo, {}, *counters, nullptr);
  SinglePackets io(capture);
  CourseSink sink(*models);
  Worker worker(worker_options(settings, 0, true), classifier_options(settings, 1, true), io,
                publisher, *counters, &sink);
  worker.run();
  return std::move(sink.courses);
}

TEST(DeployedReplay, TheDemonstrationGetsTheSameVerdicts) {
  const Settings settings = demo_settings();
  Courses expected = replayed(settings);
  const Deployment deployment = deployment_of(settings, true);
  FlowReadOptions reading;
  reading.inside = settings.inside;
  size_t verdicts = 0;
  read_capture_flows(kDemo, reading, [&](RecordedFlow&& flow) {
    SCOPED_TRACE(flow.name);
    Course& replay = expected[flow.name];
    // A verdict after the last packet has none to mark.
    if (replay.packets >= flow.packets.size()) replay.classes.pop_back();
    Course played;
    uint64_t before = 0;
    play_flow(flow, deployment,
              [&](const PlayedPacket& packet) { played.add(packet.class_name, before++); });
    EXPECT_EQ(played.classes, replay.classes);
    verdicts += played.classes.size();
  });
  EXPECT_GT(verdicts, 10U);
}

}  // namespace
}  // namespace flowmark
