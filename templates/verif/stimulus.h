// Small parts of the co-simulation: random numbers, paces, and access to ports of any width.

#pragma once

#include <verilated.h>

#include <algorithm>
#include <cstdint>

// xorshift64: the whole run is a function of its seed.
struct Random {
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15ull + 0x1234567ull) {
    if (state == 0) state = 1;
    for (int i = 0; i < 8; ++i) next();
  }
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  // A number below `limit` (at least 1).
  uint64_t below(uint64_t limit) { return (next() >> 16) % limit; }
  bool once_in(uint64_t n) { return below(n) == 0; }
  uint32_t word() { return static_cast<uint32_t>(next() >> 16); }
};

// Verilator gives a port of up to 64 bits an integer type, a wider one an array of words.
template <typename T>
uint64_t bits_of(const T& port, unsigned low, unsigned width) {
  return (static_cast<uint64_t>(port) >> low) & (~0ull >> (64 - width));
}

template <std::size_t Words>
uint64_t bits_of(const VlWide<Words>& port, unsigned low, unsigned width) {
  const unsigned word = low / 32;
  const unsigned shift = low % 32;
  uint64_t value = port.at(word) >> shift;
  if (word + 1 < Words && shift + width > 32) value |= uint64_t{port.at(word + 1)} << (32 - shift);
  if (word + 2 < Words && shift + width > 64) value |= uint64_t{port.at(word + 2)} << (64 - shift);
  return value & (~0ull >> (64 - width));
}

template <typename T>
void put_bytes(T& port, const uint8_t* bytes, std::size_t count) {
  uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  port = static_cast<T>(value);
}

template <std::size_t Words>
void put_bytes(VlWide<Words>& port, const uint8_t* bytes, std::size_t count) {
  for (std::size_t w = 0; w < Words; ++w) port.at(w) = 0;
  for (std::size_t i = 0; i < count; ++i) port.at(i / 4) |= uint32_t{bytes[i]} << (8 * (i % 4));
}

// Whether one side of a handshake is willing, cycle by cycle: always, at a random rate, or in bursts.
struct Pace {
  unsigned mode = 0;
  uint64_t rate = 256, left = 0, longest = 1;
  bool on = true;

  void choose(Random& random, uint64_t patience) {
    mode = std::min<uint64_t>(random.below(4), 2);
    if (mode == 2 && !random.once_in(3)) mode = 0;
    rate = 24 + random.below(232);
    longest = random.once_in(8) ? std::max<uint64_t>(patience, 2) : 40;
    left = 0;
  }
  bool next(Random& random) {
    if (mode == 0) return true;
    if (mode == 1) return random.below(256) < rate;
    if (left == 0) {
      on = !on;
      left = 1 + random.below(longest);
    }
    --left;
    return on;
  }
};
