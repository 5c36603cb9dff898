// make_model FILE CLASS...: writes a model that always answers the first class, for the tests.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "unit/runtime/model_files.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: make_model FILE CLASS CLASS...\n");
    return 2;
  }
  try {
    flowmark::testing::write_constant_model(argv[1], 0,
                                            std::vector<std::string>(argv + 2, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_model: %s\n", error.what());
    return 1;
  }
  return 0;
}
