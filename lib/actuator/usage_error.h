#pragma once

#include "base/error.h"

namespace flowmark {

/// Wrong use of an actuator's command line: exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace flowmark
