#pragma once

#include <cstdio>
#include <cstdlib>

/// A property that must hold for any input; ends the program where it does not.
inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}
