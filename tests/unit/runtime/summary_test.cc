#include "runtime/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/fake_model.h"

namespace flowmark {
namespace {

using nlohmann::json;

/// Two workers that have counted the same, and one model with the classes small and large.
class SummaryTest : public ::testing::Test {
 protected:
  SummaryTest()
      : model_(testing::size_model(testing::histogram_spec())),
        models_(1, {testing::active(model_)}) {
    for (int i = 0; i < 2; ++i) {
      WorkerCounters& worker = *workers_.emplace_back(std::make_unique<WorkerCounters>());
      worker.ports[0].rx_packets.set(100);
      worker.ports[0].rx_bytes.set(5000);
      worker.ports[1].tx_packets.set(97);
      worker.ports[1].tx_bytes.set(4900);
      worker.dropped[static_cast<size_t>(Drop::tx_full)].set(2);
      worker.dropped[static_cast<size_t>(Drop::link_down)].set(1);
      worker.bypassed[static_cast<size_t>(Bypass::not_ip)].set(4);
      worker.marked[46].set(30);
      worker.marked[10].set(20);
      worker.mark_skipped[static_cast<size_t>(MarkSkip::ef_guard)].set(6);
      worker.demoted[static_cast<size_t>(Refusal::host_share)].set(7);
      worker.flows_inserted.set(9);
      worker.table_entries.set(5);
      worker.flows_expired.set(3);
      worker.flows_evicted.set(1);
      worker.windows_given_up.set(7);
      worker.inference_backlog.set(8);
      worker.left_out[static_cast<size_t>(LadderStep::cheapest)].set(11);
      worker.verdict_events_lost.set(12);
      ModelCounters& model = worker.models[0];
      model.verdicts[0].set(13);
      model.flows_now[0].set(14);
      model.packets[1].set(15);
      model.bytes[1].set(16);
      model.provisional.set(17);
      model.changes.set(18);
      model.abstentions.set(19);
      model.inferences.set(21);
    }
  }

  std::shared_ptr<const Model> model_;
  ModelSet models_;
  WorkerCountersList workers_;
};

TEST_F(SummaryTest, JsonAddsUpTheWorkersUnderItsKeys) {
  const json port0{{"rx_packets", 200}, {"rx_bytes", 10000}, {"tx_packets", 0}, {"tx_bytes", 0}};
  const json port1{{"rx_packets", 0}, {"rx_bytes", 0}, {"tx_packets", 194}, {"tx_bytes", 9800}};
  const json small{
      {"class", "small"}, {"verdicts", 26}, {"flows_now", 28}, {"packets", 0}, {"bytes", 0}};
  const json large{
      {"class", "large"}, {"verdicts", 0}, {"flows_now", 0}, {"packets", 30}, {"bytes", 32}};
  const json expected{{"received", 200},
                      {"forwarded", 194},
                      {"dropped", 6},
                      {"dropped_by_reason", {{"tx_full", 4}, {"link_down", 2}}},
                      {"ports", json::array({port0, port1})},
                      {"unclassified_by_reason", {{"not_ip", 8}}},
                      {"flows", {{"started", 18}, {"now", 10}, {"expired", 6}, {"evicted", 2}}},
                      {"marked", 100},
                      {"marked_by_dscp", {{"EF", 60}, {"AF11", 40}}},
                      {"not_marked_by_reason", {{"ef_guard", 12}}},
                      {"demoted_by_reason", {{"host_share", 14}}},
                      {"inference", {{"backlog", 16}, {"left_out_by_step", {{"cheapest", 22}}}}},
                      {"verdict_events_lost", 24},
                      {"models", json::array({{{"name", "size"},
                                               {"task", model_->task},
                                               {"path", model_->path},
                                               {"sha256", model_->sha256},
                                               {"inferences", 42},
                                               {"provisional", 34},
                                               {"changes", 36},
                                               {"abstentions", 38},
                                               {"classes", json::array({small, large})}}})}};
  EXPECT_EQ(json(summary_json(Totals(workers_), models_, true)), expected);
}

TEST_F(SummaryTest, AMirrorForwardsAndDropsNothing) {
  const json mirror = summary_json(Totals(workers_), models_, false);
  for (const char* key : {"forwarded", "dropped", "dropped_by_reason"}) {
    EXPECT_FALSE(mirror.contains(key)) << key;
  }
  EXPECT_EQ(mirror["received"], 200);
  EXPECT_EQ(summary_text(Totals(workers_), models_, false).find("dropped"), std::string::npos);
}

TEST_F(SummaryTest, TextHasALinePerCounterAndPerReason) {
  EXPECT_EQ(summary_text(Totals(workers_), models_, true),
            "packets\n"
            "  received                                     200\n"
            "  forwarded                                    194\n"
            "  dropped                                        6\n"
            "    tx_full                                      4\n"
            "    link_down                                    2\n"
            "  forwarded unclassified                         8\n"
            "    not_ip                                       8\n"
            "  marked                                       100\n"
            "    AF11                                        40\n"
            "    EF                                          60\n"
            "  with a verdict, not marked                    12\n"
            "    ef_guard                                    12\n"
            "  refused their live mark                       14\n"
            "    host_share                                  14\n"
            "flows\n"
            "  started                                       18\n"
            "  evicted from a full table                      2\n"
            "  gave up their windows                         14\n"
            "verdicts of size (" +
                model_->task +
                ")\n"
                "  small                                         26\n"
                "  changed later                                 36\n"
                "  abstentions                                   38\n"
                "  inferences                                    42\n");
}

}  // namespace
}  // namespace flowmark
