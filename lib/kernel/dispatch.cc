#include <cstdlib>

#include "base/error.h"
#include "kernel/bf16.h"
#include "kernel/kernels.h"
#include "kernel/simd_kernels.h"

namespace flowmark {

namespace {

/// The best set has the kernels of bfloat16 too, where the processor does.
std::vector<Kernels> with_bf16(std::vector<Kernels> sets) {
  if (!sets.empty()) add_native_bf16(sets.front());
  return sets;
}

}  // namespace

std::vector<const Kernels*> available_kernels() {
  static const std::vector<Kernels> simd = with_bf16(simd_kernels());
  std::vector<const Kernels*> sets;
  for (const Kernels& kernels : simd) sets.push_back(&kernels);
  sets.push_back(&scalar_kernels());
  return sets;
}

std::vector<std::string> compiled_kernel_targets() {
  std::vector<std::string> names = simd_target_names();
  names.emplace_back(scalar_kernels().target);
  return names;
}

const Kernels& find_kernels(const std::string& target) {
  std::string names;
  for (const Kernels* kernels : available_kernels()) {
    if (target == kernels->target) return *kernels;
    names += (names.empty() ? "" : ", ") + std::string(kernels->target);
  }
  fail("'{}' is no instruction set that this processor and program have; it is one of {}", target,
       names);
}

const Kernels& default_kernels() {
  const char* forced = std::getenv("FLOWMARK_FORCE_TARGET");
  if (forced == nullptr || *forced == '\0') return *available_kernels().front();
  try {
    return find_kernels(forced);
  } catch (const Error& error) {
    fail("environment variable FLOWMARK_FORCE_TARGET: {}", error.what());
  }
}

}  // namespace flowmark
