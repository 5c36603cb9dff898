#include "actuator/stream_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "unit/actuator/lines.h"

namespace flowmark {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

std::string error_of(const std::string& text) {
  try {
    (void)parse_stream_line(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(StreamLine, ReadsAMarkOfIpv4AndIpv6) {
  const StreamLine line = parse_stream_line(mark_line("10.9.0.1", 40000, "10.9.0.2", 46));
  EXPECT_EQ(line.kind, StreamLine::Kind::mark);
  EXPECT_EQ(line.dscp, Dscp{46});
  EXPECT_FALSE(line.snapshot);
  EXPECT_EQ(to_string(line.flow), "udp 10.9.0.1:40000 10.9.0.2:5004");
  EXPECT_EQ(to_string(parse_stream_line(mark_line("2001:db8::1", 1, "2001:db8::2", 46)).flow),
            "udp [2001:db8::1]:1 [2001:db8::2]:5004");
}

TEST(StreamLine, ReadsVlanSnapshotAndTheAbsenceOfAMark) {
  Json json = Json::parse(mark_line("10.9.0.1", 40000, "10.9.0.2", std::nullopt));
  json["flow"]["vlan"] = 12;
  json["snapshot"] = true;
  const StreamLine line = parse_stream_line(json.dump());
  EXPECT_EQ(line.flow.vlan, 12);
  EXPECT_TRUE(line.snapshot);
  EXPECT_EQ(line.dscp, std::nullopt);
}

TEST(StreamLine, ReadsTheOtherTypesAndIgnoresWhatItDoesNotKnow) {
  EXPECT_EQ(parse_stream_line(R"({"type":"hello","format":1,"new":[]})").kind,
            StreamLine::Kind::hello);
  EXPECT_EQ(parse_stream_line(R"({"type":"live","flows":7})").count, 7U);
  EXPECT_EQ(parse_stream_line(R"({"type":"lost","lines":9})").count, 9U);
  EXPECT_EQ(parse_stream_line(R"({"type":"weather"})").kind, StreamLine::Kind::other);
  EXPECT_EQ(parse_stream_line(end_line("10.9.0.1", 40000, "10.9.0.2")).kind, StreamLine::Kind::end);
}

TEST(StreamLine, AnErrorNamesFieldValueAndWhatWouldBeRight) {
  EXPECT_THAT(error_of("{\"type\":"), HasSubstr("not JSON"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("7"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("\"text\""), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("type: is missing"));
  EXPECT_THAT(error_of(R"({"type":5})"), HasSubstr("type: value 5: expected a text"));
  EXPECT_THAT(error_of(R"({"type":"hello","format":2})"), HasSubstr("format: value 2"));
  EXPECT_THAT(error_of(R"({"type":"end","flow":3})"), HasSubstr("flow: value 3"));
  EXPECT_THAT(error_of(mark_line("10.9.0", 1, "10.9.0.2", 46)),
              HasSubstr("source: value \"10.9.0\": expected an IP address"));
  EXPECT_THAT(error_of(mark_line("10.9.0.1", 1, "::1", 46)), HasSubstr("different IP versions"));
  EXPECT_THAT(error_of(mark_line("10.9.0.1", 1, "10.9.0.2", 64)),
              HasSubstr("dscp: value 64: expected a whole number from 0 to 63"));
  EXPECT_THAT(error_of(mark_line("10.9.0.1", 70000, "10.9.0.2", 46)), HasSubstr("source_port"));
}

TEST(StreamLine, FieldsCountOnlyWhereTheyBelong) {
  Json json = Json::parse(mark_line("10.9.0.1", 40000, "10.9.0.2", 46));
  json["more"] = {{"type", "end"}, {"dscp", 5}, {"flow", {{"source", "10.0.0.9"}}}};
  json["flow"]["more"] = {{"source", "10.0.0.9"}, {"vlan", 7}};
  json["list"] = {1, {{"dscp", 5}}, "type"};
  json["source"] = "10.0.0.9";
  json["flow"]["dscp"] = 5;
  const StreamLine line = parse_stream_line(json.dump());
  EXPECT_EQ(line.kind, StreamLine::Kind::mark);
  EXPECT_EQ(line.dscp, Dscp{46});
  EXPECT_EQ(to_string(line.flow), "udp 10.9.0.1:40000 10.9.0.2:5004");
  EXPECT_EQ(line.class_name, "voip");
}

TEST(StreamLine, EveryLineThatIsCutOffIsAnErrorAndNoCrash) {
  const std::string whole = mark_line("10.9.0.1", 40000, "10.9.0.2", 46);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(error_of(whole.substr(0, length)), "") << length;
  }
  EXPECT_NE(error_of("\xff\xfe"), "");
}

}  // namespace
}  // namespace flowmark
