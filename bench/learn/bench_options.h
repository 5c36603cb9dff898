#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace flowmark {

/// The options that all programs of bench/learn have.
struct BenchOptions {
  std::string data;      ///< a packet sequence file; empty: made-up flows
  std::string dump;      ///< write the training's input there, for a comparison
  uint32_t threads = 0;  ///< 0: all
  bool json = false;
};

/// The command line of a benchmark. Only bench_options.cc includes the parser, which
/// takes longer to compile than a benchmark.
class BenchCommand {
 public:
  BenchCommand(const char* about, const char* name);
  ~BenchCommand();

  /// Options set their value when run() reads the command line.
  void add_common(BenchOptions& options);
  void add(const char* option, uint32_t& value, const char* help);
  void add(const char* option, double& value, const char* help);
  /// `choices`: the words that are taken; empty: all.
  void add(const char* option, std::string& value, const char* help,
           const std::vector<std::string>& choices = {});
  void add_flag(const char* option, bool& value, const char* help);

  /// The body of main(): reads the command line, then does the work. Returns the exit status; an
  /// exception of the work is told and gives 1.
  int run(int argc, char** argv, const std::function<void()>& work);

 private:
  std::unique_ptr<CLI::App> app_;
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

}  // namespace flowmark
