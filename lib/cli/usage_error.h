#pragma once

#include "base/error.h"

namespace flowmark {

/// Wrong use of the command line, beyond what its parser finds: exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace flowmark
