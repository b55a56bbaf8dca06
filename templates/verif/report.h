// What differed: the record of a mismatch, and the log that keeps the first and counts all.

#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

struct Mismatch {
  std::string kind, phase, note;
  int64_t image = -1, layer = -1, sample = -1, group = -1, lane = -1, channel = -1, row = -1, column = -1;
  uint64_t cycle = 0;
  int64_t expected = 0, actual = 0;
};

class Log {
 public:
  std::string phase;
  uint64_t cycle = 0;          // since the program's start
  uint64_t last_progress = 0;  // cycle in which something last moved
  bool hung = false;

  // A mismatch of this phase and cycle.
  Mismatch at(const char* kind, const char* note = "") const {
    Mismatch m;
    m.kind = kind;
    m.phase = phase;
    m.note = note;
    m.cycle = cycle;
    return m;
  }

  void report(const Mismatch& mismatch) {
    if (mismatches_++ == 0) first_ = mismatch;
  }

  // Reports where two values that have no place in a layer differ.
  void equal(int64_t actual, int64_t expected, const char* kind, const char* note, int64_t layer = -1) {
    if (actual == expected) return;
    Mismatch m = at(kind, note);
    m.layer = layer;
    m.expected = expected;
    m.actual = actual;
    report(m);
  }

  uint64_t mismatches() const { return mismatches_; }
  bool stopped() const { return hung || mismatches_ >= kMost; }

  // The first mismatch as one JSON object, or null.
  void write_first(FILE* out) const {
    if (mismatches_ == 0) {
      std::fprintf(out, "null");
      return;
    }
    const Mismatch& m = first_;
    std::fprintf(out, "{\"kind\":\"%s\",\"phase\":\"%s\",\"note\":\"%s\",\"image\":%" PRId64
                      ",\"layer\":%" PRId64 ",\"sample\":%" PRId64 ",\"group\":%" PRId64 ",\"lane\":%" PRId64 ",\"channel\":%" PRId64
                      ",\"row\":%" PRId64 ",\"column\":%" PRId64 ",\"cycle\":%" PRIu64
                      ",\"expected\":%" PRId64 ",\"actual\":%" PRId64 "}",
                 m.kind.c_str(), m.phase.c_str(), m.note.c_str(), m.image, m.layer, m.sample, m.group,
                 m.lane, m.channel, m.row, m.column, m.cycle, m.expected, m.actual);
  }

 private:
  static constexpr uint64_t kMost = 1000;
  uint64_t mismatches_ = 0;
  Mismatch first_;
};
