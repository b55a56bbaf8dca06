// Co-simulation harness: drives the Verilated accelerator and compares everything it shows with a
// vector file, bit for bit and cycle for cycle.
//
//   model VECTORS [VECTORS ...] --seed S [--resets N] [--result FILE] [--dump FILE --from CYCLE --to CYCLE]
//
// Of several files, each with the program of its network, the first one runs all phases; then the networks follow one
// another, each twice, without a reset between them (`switched`). A result is one line for each file.
//
// Phases, each from a reset: `reset` (frames cut off by a reset at a random cycle), `control` (a few frames amid
// register traffic and malformed frames, some started by the register), `stream` (every frame, the next one
// streamed in while the present one is computed). Everything random comes from the seed and the first image
// alone. Exit status: 0 all equal, 1 a difference, 2 the vector file or the arguments are unusable.
//
// vectors.h reads the file; engine.h and registers.h predict every output of every cycle; streams.h, lite.h and
// traffic.h drive; taps.h compares sums, bits and scores; coverage.h counts what was met; harness.h is the course.

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "harness.h"

namespace {

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: model VECTORS [VECTORS ...] --seed S [--resets N] [--result FILE] [--dump FILE --from C --to C]\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<const char*> files;
  const char* result = nullptr;
  const char* dump = nullptr;
  uint64_t seed = 1, resets = 2, from = 0, to = ~0ull;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      files.push_back(argv[i]);
      continue;
    }
    if (i + 1 == argc) usage();
    const char* value = argv[++i];
    if (word == "--seed") seed = std::strtoull(value, nullptr, 0);
    else if (word == "--resets") resets = std::strtoull(value, nullptr, 0);
    else if (word == "--result") result = value;
    else if (word == "--dump") dump = value;
    else if (word == "--from") from = std::strtoull(value, nullptr, 0);
    else if (word == "--to") to = std::strtoull(value, nullptr, 0);
    else usage();
  }
  if (files.empty()) usage();

  Device device;
  std::vector<std::unique_ptr<Vectors>> vectors;
  std::vector<std::unique_ptr<Harness>> harnesses;
  for (const char* file : files) {
    vectors.push_back(std::make_unique<Vectors>(file));
    harnesses.push_back(std::make_unique<Harness>(*vectors.back(), seed, device));
    std::fprintf(stderr, "%" PRIu64 " images, seed %" PRIu64 "\n", vectors.back()->header.images, seed);
  }
  Harness& first = *harnesses.front();
  if (dump != nullptr) first.dump_to(dump, from, to);
  const auto start = std::chrono::steady_clock::now();
  if (resets > 0) {
    first.resets(resets);
    first.control();
  }
  first.stream();
  for (std::size_t turn = 1; turn < 2 * files.size() && files.size() > 1; ++turn) {
    Harness& next = *harnesses[turn % files.size()];
    if (first.equal() && next.equal()) next.switched();
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;

  FILE* out = result == nullptr ? stdout : std::fopen(result, "w");
  if (out == nullptr) {
    std::fprintf(stderr, "%s cannot be written\n", result);
    return 2;
  }
  bool equal = true;
  for (const auto& harness : harnesses) {
    harness->write_result(out, spent.count());
    equal = equal && harness->equal();
  }
  if (out != stdout) std::fclose(out);
  return equal ? 0 : 1;
}
