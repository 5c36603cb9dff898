#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/example_set.h"

namespace flowmark {

/// Windows to time training on: histograms of the default `combined` specification.
struct BenchData {
  ExampleSet examples;
  std::vector<uint32_t> train;
  std::vector<uint32_t> test;
};

/// The first 10, 30, 100, 300 and 1024 packets of every flow of a packet sequence file, every third
/// flow set aside.
BenchData bench_windows_of(const std::string& path);

/// So many windows of made-up flows of six classes.
BenchData made_up_bench_windows(uint32_t count);

/// For forest_compare.py and linear_compare.py: counts, then per example its class, whether it is
/// for the test, the number of values, and those as pairs of index and float; all 32 bit.
void dump_bench_windows(const BenchData& data, const std::string& path);

}  // namespace flowmark
