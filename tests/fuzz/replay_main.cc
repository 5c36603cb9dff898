// Stands in for libFuzzer where the compiler has none: feeds a fuzz target every seed of the
// folders given and mutations of them, always the same ones. FLOWMARK_FUZZ_ROUNDS sets how many a
// seed.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using Bytes = std::vector<uint8_t>;
using Random = std::mt19937_64;

constexpr int kDefaultRounds = 2000;
constexpr size_t kLongest = 1 << 16;
constexpr const char* kFailing = "fuzz-failing-input";

struct Seed {
  std::string name;
  Bytes bytes;
};

const Bytes* current = nullptr;

// Keeps the input that brought the target down, to be run alone.
void keep_input() {
  if (current == nullptr) return;
  if (FILE* file = std::fopen(kFailing, "wb")) {
    std::fwrite(current->data(), 1, current->size(), file);
    std::fclose(file);
    std::fprintf(stderr, "the input that failed is in %s\n", kFailing);
  }
}

void on_signal(int number) {
  std::signal(number, SIG_DFL);
  keep_input();
  std::raise(number);
}

void watch_for_failures() {
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(keep_input);
  } else {
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE}) std::signal(number, on_signal);
  }
  std::signal(SIGABRT, on_signal);
}

void run(const Bytes& input) {
  current = &input;
  // A block of exactly this size, so that a read past its end is seen.
  const auto exact = std::make_unique<uint8_t[]>(input.size());
  std::copy(input.begin(), input.end(), exact.get());
  LLVMFuzzerTestOneInput(exact.get(), input.size());
}

size_t below(Random& random, size_t n) {
  return n == 0 ? 0 : random() % n;
}

void mutate(Bytes& bytes, const std::vector<Seed>& seeds, Random& random) {
  static constexpr uint8_t kInteresting[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x40, 0x60, '\n'};
  const auto at = [&] {
    return bytes.begin() + static_cast<ptrdiff_t>(below(random, bytes.size()));
  };
  switch (random() % 7) {
    case 0:
      if (!bytes.empty()) *at() = static_cast<uint8_t>(*at() ^ (1u << (random() % 8)));
      break;
    case 1:
      if (!bytes.empty()) *at() = kInteresting[random() % std::size(kInteresting)];
      break;
    case 2:
      if (!bytes.empty()) *at() = static_cast<uint8_t>(random());
      break;
    case 3:
      bytes.resize(below(random, bytes.size() + 1));
      break;
    case 4:
      bytes.insert(at(), 1 + random() % 8, static_cast<uint8_t>(random()));
      break;
    case 5: {
      const auto from = at();
      const size_t most = static_cast<size_t>(bytes.end() - from);
      bytes.erase(from,
                  from + static_cast<ptrdiff_t>(below(random, std::min<size_t>(most, 16) + 1)));
      break;
    }
    default: {  // the front of this one, the back of another
      const Bytes& other = seeds[below(random, seeds.size())].bytes;
      bytes.resize(below(random, bytes.size() + 1));
      const auto from = other.begin() + static_cast<ptrdiff_t>(below(random, other.size() + 1));
      bytes.insert(bytes.end(), from, other.end());
    }
  }
  if (bytes.size() > kLongest) bytes.resize(kLongest);
}

std::vector<Seed> read_seeds(int count, char** names) {
  namespace fs = std::filesystem;
  std::vector<fs::path> paths;
  for (int i = 0; i < count; ++i) {
    if (!fs::is_directory(names[i])) {
      paths.emplace_back(names[i]);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(names[i])) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Seed> seeds;
  for (const fs::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
      std::exit(1);
    }
    seeds.push_back({path.filename().string(), Bytes(std::istreambuf_iterator<char>(in), {})});
  }
  return seeds;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Seed> seeds = read_seeds(argc - 1, argv + 1);
  if (seeds.empty()) {
    std::fprintf(stderr, "usage: %s FOLDER_OR_FILE...: no seeds found\n", argv[0]);
    return 2;
  }
  const char* given = std::getenv("FLOWMARK_FUZZ_ROUNDS");
  const int rounds = given != nullptr ? std::atoi(given) : kDefaultRounds;
  watch_for_failures();
  Random random(20190429);
  run({});
  for (const Seed& seed : seeds) run(seed.bytes);
  for (const Seed& seed : seeds) {
    for (int round = 0; round < rounds; ++round) {
      Bytes input = seed.bytes;
      for (uint64_t n = 1 + random() % 4; n > 0; --n) mutate(input, seeds, random);
      run(input);
    }
  }
  std::printf("%zu seeds, %d mutations each\n", seeds.size(), rounds);
  return 0;
}
