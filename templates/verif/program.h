// Programs of a loadable accelerator: the one of the file, and broken ones that must be refused.
//
// Layout of a program: the header of bincim_loader.v.

#pragma once

#include <cstdint>
#include <vector>

#include "stimulus.h"
#include "vectors.h"

// Why a program is refused, as the register LOAD says it.
enum LoadCause : uint32_t { kNoCause = 0, kAtWork = 1, kForeign = 2, kNowhere = 3, kChecksum = 4, kCutShort = 5 };

struct Program {
  std::vector<uint32_t> beats;
  LoadCause cause = kNoCause;
};

class Programs {
 public:
  explicit Programs(const Vectors& vectors)
      : good_(vectors.program(), vectors.program() + vectors.header.program_beats) {}

  // Whether there is anything to load.
  bool there() const { return !good_.empty(); }
  const std::vector<uint32_t>& good() const { return good_; }

  // A program of three beats, which is refused while the engine is at work.
  Program short_one() const { return {{good_[0], good_[1], good_[2]}, kAtWork}; }

  // One that is refused when the engine is idle, of each kind in turn. The faults lie in the first block.
  Program broken(Random& random) {
    Program program{good_, kNoCause};
    auto& beats = program.beats;
    if (beats.size() > kFew) beats.resize(kFew);
    switch (kind_++ % 6) {
      case 0:
        beats[0] ^= 1u << random.below(32);
        program.cause = kForeign;
        break;
      case 1:
        beats[1] ^= 1u << random.below(32);
        program.cause = kForeign;
        break;
      case 2:
        beats[2] |= 0x80000000u;  // the memory
        program.cause = kNowhere;
        break;
      case 3:
        beats[3] |= random.once_in(2) ? 0x800000u : 0x1000000u;  // the first address
        program.cause = kNowhere;
        break;
      case 4:
        beats[4] ^= 1u << random.below(32);  // its first word
        program.cause = kChecksum;
        break;
      default:
        beats.resize(2 + random.below(3));
        program.cause = kCutShort;
        break;
    }
    return program;
  }

 private:
  // More beats than the first block, a word a layer, has.
  static constexpr std::size_t kFew = 4096;
  unsigned kind_ = 0;
  std::vector<uint32_t> good_;
};
