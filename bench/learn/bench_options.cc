#include "learn/bench_options.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

namespace flowmark {

BenchCommand::BenchCommand(const char* about, const char* name)
    : app_(std::make_unique<CLI::App>(about, name)) {}

BenchCommand::~BenchCommand() = default;

void BenchCommand::add_common(BenchOptions& options) {
  add("--data", options.data, "Packet sequence file (default: made-up flows)");
  add("--dump", options.dump, "Write the input there, for a comparison");
  add("--threads", options.threads, "Threads to use (default: all)");
  add_flag("--json", options.json, "Print one line of JSON");
}

void BenchCommand::add(const char* option, uint32_t& value, const char* help) {
  app_->add_option(option, value, help);
}

void BenchCommand::add(const char* option, double& value, const char* help) {
  app_->add_option(option, value, help);
}

void BenchCommand::add(const char* option, std::string& value, const char* help,
                       const std::vector<std::string>& choices) {
  CLI::Option* const added = app_->add_option(option, value, help);
  if (!choices.empty()) added->check(CLI::IsMember(choices));
}

void BenchCommand::add_flag(const char* option, bool& value, const char* help) {
  app_->add_flag(option, value, help);
}

int BenchCommand::run(int argc, char** argv, const std::function<void()>& work) {
  CLI11_PARSE(*app_, argc, argv);
  try {
    work();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << app_->get_name() << ": " << error.what() << "\n";
    return 1;
  }
}

}  // namespace flowmark
