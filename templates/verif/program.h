// Programs of a loadable accelerator: the one of the file, and broken ones that must be refused.
//
// Layout of a program: the header of bincim_loader.v.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "memories.h"
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
      : good_(vectors.program(), vectors.program() + vectors.header.program_beats) {
    for (std::size_t head = 2; head + 2 < std::min(good_.size(), kFew); head = blocks_.back().crc + 1) {
      const std::size_t words = (good_[head] & 0xFFFFFF) + 1;
      blocks_.push_back({head, head + 2 + words * kMemories.at(good_[head] >> 24).beats});
    }
  }

  // Whether there is anything to load.
  bool there() const { return !good_.empty(); }
  const std::vector<uint32_t>& good() const { return good_; }

  // A program of three beats, which is refused while the engine is at work.
  Program short_one() const { return {{good_[0], good_[1], good_[2]}, kAtWork}; }

  // How many broken ones go before the good one; those of a short program cost little.
  uint64_t tries(Random& random) const { return good_.size() < kFew / 8 ? 6 + random.below(7) : 2 + random.below(2); }

  // One that is refused when the engine is idle, of each kind in turn; the fault lies in any block near the beginning.
  Program broken(Random& random) {
    Program program{good_, kNoCause};
    auto& beats = program.beats;
    const Block& block = blocks_[random.below(blocks_.size())];
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
        leave_memories(beats, block, random);
        program.cause = kNowhere;
        break;
      case 3:
        leave_memory(beats, block, random);
        program.cause = kNowhere;
        break;
      case 4: {
        // A word, or the sum itself, of a block that is sent whole.
        const Block& whole = block.crc < kFew ? block : blocks_.front();
        beats[whole.head + 2 + random.below(whole.crc - whole.head - 1)] ^= 1u << random.below(32);
        program.cause = kChecksum;
        break;
      }
      default:
        cut(program, block, random);
        break;
    }
    if (beats.size() > kFew) beats.resize(std::max<std::size_t>(kFew, blocks_.front().crc + 1));
    return program;
  }

 private:
  // A block of the program: the places of its first beat and of its last.
  struct Block {
    std::size_t head, crc;
  };

  // Beats of a broken program, or more where its first block has more.
  static constexpr std::size_t kFew = 4096;
  static constexpr uint32_t kLastAddress = 0xFFFFFF;
  unsigned kind_ = 0;
  std::vector<uint32_t> good_;
  std::vector<Block> blocks_;  // those that begin among the first beats

  // A memory that is not there: the one behind the last, or any far behind.
  static void leave_memories(std::vector<uint32_t>& beats, const Block& block, Random& random) {
    if (random.once_in(2)) {
      beats[block.head] |= 0x80000000u;
    } else {
      beats[block.head] = static_cast<uint32_t>(kMemories.size()) << 24;
      beats[block.head + 1] = 0;
    }
  }

  // Words that do not lie in their memory: by one word, by any number, or by an address that is none.
  static void leave_memory(std::vector<uint32_t>& beats, const Block& block, Random& random) {
    uint32_t& head = beats[block.head];
    uint32_t& first = beats[block.head + 1];
    const auto words = static_cast<uint32_t>(kMemories[head >> 24].words);
    const uint32_t last = head & 0xFFFFFF;
    switch (random.below(4)) {
      case 0:
        first = words - last;
        break;
      case 1:
        head = (head & ~kLastAddress) | (words - first);
        break;
      case 2:
        first = kLastAddress - static_cast<uint32_t>(random.below(last + 1));
        break;
      default:
        first |= 0x1000000u << random.below(8);
        break;
    }
  }

  // The end before there is a block, at a beat of its own kind of one, or anywhere in one.
  static void cut(Program& program, const Block& block, Random& random) {
    const std::size_t ends[] = {random.below(2), block.head, block.head + 1, block.crc - 1,
                                block.head + random.below(block.crc - block.head)};
    const std::size_t last = ends[random.below(5)];
    program.beats.resize(last + 1);
    program.cause = last < 2 ? kForeign : kCutShort;
  }
};
