#include "daemon/flowmarkd/mark_matrix.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace flowmark {
namespace {

TEST(MarkMatrix, AddsUpTheWorkersAndLeavesOutWhatNeverWas) {
  WorkerCountersList workers;
  for (int i = 0; i < 2; ++i) {
    workers.push_back(std::make_unique<WorkerCounters>());
    workers.back()->ports[0].dscp_change(0, 46).add(5);
    workers.back()->ports[1].dscp_change(34, 34).add(1);
  }
  EXPECT_EQ(mark_matrix(Totals(workers), {"lan", "wan"}), nlohmann::ordered_json::parse(R"([
    {"port": "lan", "packets": [{"received": "DF", "sent": "EF", "received_dscp": 0,
                                 "sent_dscp": 46, "packets": 10}]},
    {"port": "wan", "packets": [{"received": "AF41", "sent": "AF41", "received_dscp": 34,
                                 "sent_dscp": 34, "packets": 2}]}])"));
  EXPECT_EQ(mark_matrix(Totals(workers), {"mirror"}).size(), 1U);
}

}  // namespace
}  // namespace flowmark
