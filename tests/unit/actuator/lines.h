#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

namespace flowmark {

/// Lines of the stream as the tests need them: UDP, to port 5004.
inline std::string mark_line(const std::string& source, unsigned port,
                             const std::string& destination, std::optional<unsigned> dscp,
                             const char* type = "mark") {
  return fmt::format(
      R"({{"type":"{}","time_us":1790000000000000,"flow":{{"protocol":17,"source":"{}",)"
      R"("source_port":{},"destination":"{}","destination_port":5004,"vlan":null}},)"
      R"("direction":"unknown","class":"voip","confidence":0.98,"mark":null,"dscp":{}}})",
      type, source, port, destination, dscp ? std::to_string(*dscp) : "null");
}

inline std::string end_line(const std::string& source, unsigned port,
                            const std::string& destination) {
  return mark_line(source, port, destination, std::nullopt, "end");
}

inline constexpr const char* kHelloLine = R"({"type":"hello","format":1})";
inline constexpr const char* kLiveLine = R"({"type":"live","flows":0})";

}  // namespace flowmark
