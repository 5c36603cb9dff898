#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

namespace flowmark {

/// The options that all programs of bench/train have.
struct BenchOptions {
  std::string data;      ///< a packet sequence file; empty: made-up flows
  std::string dump;      ///< write the training's input there, for a comparison
  uint32_t threads = 0;  ///< 0: all
  bool json = false;

  void add_to(CLI::App& app) {
    app.add_option("--data", data, "Packet sequence file (default: made-up flows)");
    app.add_option("--dump", dump, "Write the input there, for a comparison");
    app.add_option("--threads", threads, "Threads to use (default: all)");
    app.add_flag("--json", json, "Print one line of JSON");
  }
};

/// The least time of some rounds; CPU time, of all threads, is steadier than the clock on a busy
/// machine.
struct BenchTime {
  double s = 1e9;
  double cpu_s = 1e9;

  void measure(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    s = std::min(s, took.count());
    cpu_s = std::min(cpu_s, static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
  }
};

/// The body of main(): reads the command line into what `app`'s options are bound to, then runs.
inline int run_bench(CLI::App& app, int argc, char** argv, const std::function<void()>& run) {
  CLI11_PARSE(app, argc, argv);
  try {
    run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << error.what() << "\n";
    return 1;
  }
}

}  // namespace flowmark
