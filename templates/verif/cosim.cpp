// Co-simulation harness: drives the Verilated accelerator and compares everything it shows with a
// vector file, bit for bit and cycle for cycle.
//
//   model VECTORS --seed S [--resets N] [--result FILE] [--dump FILE --from CYCLE --to CYCLE]
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
#include <string>

#include "harness.h"

namespace {

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: model VECTORS --seed S [--resets N] [--result FILE] [--dump FILE --from C --to C]\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const char* file = nullptr;
  const char* result = nullptr;
  const char* dump = nullptr;
  uint64_t seed = 1, resets = 2, from = 0, to = ~0ull;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      file = argv[i];
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
  if (file == nullptr) usage();

  const Vectors vectors(file);
  Harness harness(vectors, seed);
  if (dump != nullptr) harness.dump_to(dump, from, to);
  std::fprintf(stderr, "%" PRIu64 " images, seed %" PRIu64 "\n", vectors.header.images, seed);
  const auto start = std::chrono::steady_clock::now();
  if (resets > 0) {
    harness.resets(resets);
    harness.control();
  }
  harness.stream();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;

  FILE* out = result == nullptr ? stdout : std::fopen(result, "w");
  if (out == nullptr) {
    std::fprintf(stderr, "%s cannot be written\n", result);
    return 2;
  }
  harness.write_result(out, spent.count());
  if (out != stdout) std::fclose(out);
  return harness.equal() ? 0 : 1;
}
