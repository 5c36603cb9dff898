#include "base/warning.h"

#include <iostream>

namespace flowmark {

void print_warning(const std::string& message) {
  std::cerr << "flowmark: warning: " + message + "\n";
}

}  // namespace flowmark
