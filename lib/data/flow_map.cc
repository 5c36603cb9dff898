#include "data/flow_map.h"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_group.h>

#include <utility>
#include <vector>

namespace flowmark {
namespace {

// Enough work for all cores, little enough that two batches of it do not matter in memory.
constexpr size_t kBatchFlows = 256;
constexpr size_t kBatchPackets = 400'000;

/// Two batches: one being read, one being worked on.
class FlowPipe {
 public:
  explicit FlowPipe(const std::function<Deliver(RecordedFlow&&)>& work) : work_(work) {}
  ~FlowPipe() {
    try {
      group_.wait();
    } catch (...) {  // an earlier error is already on its way up
    }
  }
  FlowPipe(const FlowPipe&) = delete;
  FlowPipe& operator=(const FlowPipe&) = delete;

  void add(RecordedFlow&& flow) {
    reading_packets_ += flow.packets.size();
    reading_.push_back(std::move(flow));
    if (reading_.size() >= kBatchFlows || reading_packets_ >= kBatchPackets) {
      turn();
    }
  }

  /// Delivers everything read so far.
  void drain() {
    turn();
    turn();
  }

 private:
  /// Waits for the batch under way, starts the one just read, then delivers the finished one.
  void turn() {
    group_.wait();
    std::vector<Deliver> finished = std::exchange(deliveries_, {});
    working_ = std::exchange(reading_, {});
    reading_packets_ = 0;
    deliveries_.resize(working_.size());
    if (!working_.empty()) {
      group_.run([this] {
        tbb::parallel_for(size_t{0}, working_.size(),
                          [this](size_t i) { deliveries_[i] = work_(std::move(working_[i])); });
      });
    }
    for (const Deliver& deliver : finished) {
      if (deliver) {
        deliver();
      }
    }
  }

  const std::function<Deliver(RecordedFlow&&)>& work_;
  std::vector<RecordedFlow> reading_;
  std::vector<RecordedFlow> working_;
  std::vector<Deliver> deliveries_;
  size_t reading_packets_ = 0;
  tbb::task_group group_;
};

}  // namespace

void map_flows(const std::filesystem::path& path, const FlowReadOptions& options,
               const std::function<Deliver(RecordedFlow&&)>& work) {
  FlowPipe pipe(work);
  try {
    read_flows(path, options, [&](RecordedFlow&& flow) { pipe.add(std::move(flow)); });
  } catch (...) {
    pipe.drain();
    throw;
  }
  pipe.drain();
}

}  // namespace flowmark
