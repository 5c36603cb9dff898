#pragma once

#include <cstdint>
#include <string_view>

namespace flowmark {

/// What the messages of an ONNX file take in memory once they are parsed: a few bytes of a file can
/// become an object of some hundred.
struct MessageCost {
  double bytes = 0;   ///< objects, lists and texts
  double fields = 0;  ///< that are read one by one
};

/// Walks through the bytes without keeping anything. Where they are damaged it stops: the parser
/// says so.
MessageCost message_cost(std::string_view bytes);

}  // namespace flowmark
