#include "daemon/flowmarkd/stream/stream_lines.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "unit/flowmarkd/stream/made_flow_event.h"

namespace flowmark {
namespace {

using nlohmann::json;
using testing::made_flow_event;

class StreamLinesTest : public ::testing::Test {
 protected:
  static json parsed(std::string_view line) {
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    return json::parse(line);
  }

  Settings settings_;
  StreamLines lines_{settings_, [](uint64_t generation) {
                       auto names = std::make_shared<ModelNames>();
                       names->models.push_back(
                           {"category", {"voip", "a \"b\""}, "0123456789abcdef0123456789abcdef"});
                       return generation == 2 ? names : nullptr;
                     }};
};

TEST_F(StreamLinesTest, AMarkHasTheFieldsOfTheContract) {
  FlowEvent event = made_flow_event(40000);
  event.vlan = 7;
  EXPECT_EQ(parsed(lines_.mark(event, false)), json::parse(R"({
    "type": "mark", "time_us": 1700000000500000,
    "flow": {"protocol": 17, "source": "10.0.0.1", "source_port": 40000,
             "destination": "192.0.2.1", "destination_port": 5004, "vlan": 7},
    "direction": "lan-to-wan", "class": "voip", "confidence": 0.98, "mark": "EF", "dscp": 46,
    "admission": "admitted", "packets": [20, 19], "bytes": [4000, 3800],
    "flow_start_us": 1700000000000000, "last_us": 1700000000400000,
    "model": "category", "model_hash": "0123456789abcdef"})"));
  EXPECT_EQ(parsed(lines_.mark(event, true))["snapshot"], true);
}

TEST_F(StreamLinesTest, AnEndSaysWhy) {
  FlowEvent event = made_flow_event(1, FlowEvent::Kind::ended);
  const std::pair<FlowEnd, const char*> words[] = {{FlowEnd::idle, "idle"},
                                                   {FlowEnd::closed, "closed"},
                                                   {FlowEnd::evicted, "evicted"},
                                                   {FlowEnd::stopped, "stopped"},
                                                   {FlowEnd::lost, "lost"}};
  for (const auto& [reason, word] : words) {
    event.end = reason;
    const json line = parsed(lines_.end(event));
    EXPECT_EQ(line["type"], "end");
    EXPECT_EQ(line["reason"], word);
    EXPECT_EQ(line["packets"], json({20, 19}));
  }
}

TEST_F(StreamLinesTest, WhatIsNotThereIsNull) {
  FlowEvent event = made_flow_event(1);
  event.class_index = kNoClass;
  event.mark = kNoMark;
  event.mark_to_lan = kNoMark;
  event.live = LiveState::none;
  const json line = parsed(lines_.mark(event, false));
  for (const char* key :
       {"class", "confidence", "mark", "dscp", "admission", "model", "model_hash"}) {
    EXPECT_TRUE(line.at(key).is_null()) << key;
  }
  EXPECT_TRUE(line["flow"]["vlan"].is_null());
}

TEST_F(StreamLinesTest, TheMarkToTheLanIsSaidWhereItDiffers) {
  FlowEvent event = made_flow_event(1);
  EXPECT_FALSE(parsed(lines_.mark(event, false)).contains("mark_to_lan"));
  event.mark_to_lan = 34;
  json line = parsed(lines_.mark(event, false));
  EXPECT_EQ(line["dscp"], 46);
  EXPECT_EQ(line["mark_to_lan"], "AF41");
  EXPECT_EQ(line["dscp_to_lan"], 34);
  event.mark_to_lan = kNoMark;
  line = parsed(lines_.mark(event, false));
  EXPECT_TRUE(line.at("mark_to_lan").is_null());
  EXPECT_TRUE(line.at("dscp_to_lan").is_null());
}

TEST_F(StreamLinesTest, TheSourceIsWhoBegan) {
  FlowEvent event = made_flow_event(40000);
  event.began_down = true;
  const json line = parsed(lines_.mark(event, false));
  EXPECT_EQ(line["flow"]["source"], "192.0.2.1");
  EXPECT_EQ(line["flow"]["destination_port"], 40000);
  EXPECT_EQ(line["direction"], "wan-to-lan");
}

TEST_F(StreamLinesTest, AMirrorKnowsTheDirectionFromTheInsideOnly) {
  settings_.mode = RunMode::mirror;
  EXPECT_EQ(parsed(lines_.mark(made_flow_event(1), false))["direction"], "unknown");
  settings_.inside = {Prefix::parse("10.0.0.0/8")};
  EXPECT_EQ(parsed(lines_.mark(made_flow_event(1), false))["direction"], "lan-to-wan");
  settings_.inside.push_back(Prefix::parse("192.0.2.0/24"));
  EXPECT_EQ(parsed(lines_.mark(made_flow_event(1), false))["direction"], "unknown");
}

TEST_F(StreamLinesTest, NamesAreQuotedAndSeveralClassesJoined) {
  FlowEvent event = made_flow_event(1);
  event.class_index = 1;
  EXPECT_EQ(parsed(lines_.mark(event, false))["class"], "a \"b\"");
  event.labels = 3;
  EXPECT_EQ(parsed(lines_.mark(event, false))["class"], "voip+a \"b\"");
  event.generation = 9;
  event.labels = 0;
  EXPECT_EQ(parsed(lines_.mark(event, false))["class"], "?");
}

/// The keys of an object, but for one that is not always there.
std::set<std::string> keys(const json& object) {
  std::set<std::string> out;
  for (const auto& [key, value] : object.items()) out.insert(key);
  out.erase("snapshot");
  return out;
}

TEST_F(StreamLinesTest, TheSchemaHasTheKeysOfEachLine) {
  std::ifstream in(std::filesystem::path(FLOWMARK_SOURCE_DIR) / "docs/verdict-stream.schema.json");
  std::map<std::string, json> by_type;
  const json schemas = json::parse(in);
  for (const json& line : schemas["oneOf"]) {
    by_type[line["properties"]["type"]["const"]] = line;
  }
  FlowEvent event = made_flow_event(1);
  event.mark_to_lan = 34;
  const json lines[] = {parsed(lines_.hello(1)), parsed(lines_.mark(event, true)),
                        parsed(lines_.end(event)), parsed(StreamLines::live(1, 0)),
                        parsed(StreamLines::lost(1))};
  for (const json& line : lines) {
    const json& schema = by_type[line["type"]];
    EXPECT_EQ(keys(line), keys(schema["properties"])) << line;
    std::set<std::string> always = keys(line);
    always.erase("mark_to_lan");
    always.erase("dscp_to_lan");
    EXPECT_EQ(always, schema["required"].get<std::set<std::string>>()) << line;
    by_type.erase(line["type"]);
  }
  EXPECT_TRUE(by_type.empty());
}

TEST_F(StreamLinesTest, TheOtherLines) {
  const json hello = parsed(lines_.hello(123));
  EXPECT_EQ(hello["type"], "hello");
  EXPECT_EQ(hello["format"], 1);
  EXPECT_EQ(hello["program"], "flowmarkd");
  EXPECT_EQ(hello["time_us"], 123);
  EXPECT_EQ(hello["mode"], "inline");
  EXPECT_EQ(parsed(StreamLines::live(3, 1)),
            json::parse(R"({"type": "live", "flows": 3, "not_kept": 1})"));
  EXPECT_EQ(parsed(StreamLines::lost(5)), json::parse(R"({"type": "lost", "lines": 5})"));
}

}  // namespace
}  // namespace flowmark
