// What the master does: it sets PLANES, SEED, SAMPLES and MODE of every frame in time, starts frames where they do not start
// by themselves, reads and writes at random all over the map, and seeks accesses that meet an event of the
// engine in the same cycle.

#pragma once

#include <cstdint>
#include <deque>

#include "lite.h"

// How much goes on: one access in so many cycles.
struct Profile {
  uint64_t reads, writes;
  bool manual;  // frames are started by the register, now and then
};

class Traffic {
 public:
  explicit Traffic(const Vectors& vectors)
      : vectors_(vectors), header_(vectors.header),
        set_(header_.has_seed || header_.all_planes > 1 || header_.all_samples != 0) {}

  void begin(const Course& course, const Profile& profile, Random& random) {
    course_ = course;
    profile_ = profile;
    plan_.clear();
    sweep_.clear();
    sought_ = Sought::Nothing;
    read_before_ = kNever;
    planned_ = ~0ull;
    quiet_ = false;
    master_.begin();
    if (profile.manual) plan_.push_back({kControl, 0});
    sweep(random);
  }

  // No further access but what is under way.
  void end() {
    quiet_ = true;
    sought_ = Sought::Nothing;
    read_before_ = kNever;
    sweep_.clear();
  }
  bool idle(const Registers& registers) const { return sweep_.empty() && !master_.busy(registers); }
  const LiteMaster& master() const { return master_; }

  // Reads all registers, those of the layers, and some addresses beside them.
  void sweep(Random& random) {
    if (!sweep_.empty()) return;
    for (uint32_t word = 0; word <= 0x28; word += 4) sweep_.push_back(word | (random.word() & 3));
    sweep_.push_back(0x0FC);
    for (uint32_t layer = 0; layer <= header_.layers; ++layer) sweep_.push_back(kLayerCycles + 4 * layer);
    sweep_.push_back(0xFFC);
  }

  // Whether the last beat of frame `frame` may be sent: a frame must not start with settings that are not its own.
  bool may_end(uint64_t frame, const Engine& engine, const Registers& registers) const {
    if (!set_) return true;
    const bool time = vectors_.quickest >= kTime;
    if (frame > engine.started()) return time;
    return settled(engine, registers) || (time && engine.busy() && engine.until_done() >= kTime);
  }

  // Chooses accesses and says what the master drives in the coming cycle, in which `events` happen.
  LiteInputs drive(const Engine& engine, const Registers& registers, const Events& events, Random& random) {
    const uint64_t left = engine.until_done();  // none: the engine is idle
    const bool unsettled = set_ && !settled(engine, registers);
    const bool urgent = unsettled && (left == kNever ? engine.frame_waiting() : left < 20);
    if (planned_ != engine.started()) plan(engine, registers, random);
    seek(engine, registers, events, random);
    if (master_.can_write() && sought_ == Sought::Nothing) next_write(engine, registers, urgent, random);
    if (master_.can_read()) next_read(engine, registers, random);
    return master_.drive(urgent, random);
  }

  void clock(const LiteInputs& in, const Registers& registers) { master_.clock(in, registers); }

 private:
  using Write = LiteMaster::Write;
  enum class Sought { Nothing, Start, Done, Error, LoadError };

  static constexpr uint64_t kNever = ~0ull;
  // Cycles in which all settings can be made whatever is under way.
  static constexpr uint64_t kTime = 40;

  const Vectors& vectors_;
  const Header& header_;
  const bool set_;  // there are settings
  Course course_;
  Profile profile_{};
  LiteMaster master_;
  std::deque<Write> plan_;       // writes on the way to the settings of the next frame
  uint64_t planned_ = kNever;    // the frame that the plan is for
  std::deque<uint32_t> sweep_;   // reads that are due
  Sought sought_ = Sought::Nothing;
  Write meeting_;                // the write that is to meet the event
  uint64_t patience_ = 0;
  uint64_t read_before_ = kNever;  // the next read comes so many cycles before the frame's end
  bool quiet_ = false;

  static bool is_setting(uint32_t address) {
    const uint32_t word = address & 0xFFC;
    return word == kPlanes || word == kSeed || word == kSamples || word == kMode;
  }

  // The registers hold what the next frame is to have, and nothing is under way that changes it.
  bool settled(const Engine& engine, const Registers& registers) const {
    if (!set_ || engine.started() >= course_.frames) return true;
    if (!plan_.empty() || planned_ != engine.started()) return false;
    if (!master_.can_write() && is_setting(master_.present().address)) return false;
    const Record& next = vectors_.records[course_.at(engine.started())];
    return (header_.all_planes == 1 || registers.planes() == next.planes) &&
           (!header_.has_seed || registers.seed() == next.seed) && samples_set(registers, next);
  }

  bool samples_set(const Registers& registers, const Record& next) const {
    return header_.all_samples == 0 || (registers.samples() == next.samples && registers.mode() == next.mode);
  }

  // A write that gives a register its number; there are `most`. Bytes without their strobe may be anything.
  static Write number_write(uint32_t address, uint64_t number, uint64_t most, Random& random) {
    auto data = static_cast<uint32_t>(number);
    uint32_t strobe = 0xF;
    if (number == 1 && random.once_in(2)) data = 0;
    if (number == most) {
      const uint32_t all[] = {data, data + 1, 255, 256, 256 + random.word() % 16, random.word() | 1u << 16};
      data = all[random.below(6)];
      // Beyond the most, whatever the lowest byte is.
      if (data > 255) strobe = 0xE | (random.word() & 1);
    }
    if (data < 256) strobe = 1 | (random.word() & 0xE);
    return {address, with_others(data, strobe, random), strobe};
  }
  // A write that leaves a register its number: its lowest byte is not written, and none that is holds anything.
  static Write kept_write(uint32_t address, Random& random) {
    const uint32_t strobe = random.word() & 0xE;
    return {address, with_others(0, strobe, random), strobe};
  }
  // A write of SEED, of all bytes in which it differs from what it is to be, or of some of them.
  static Write seed_write(uint32_t held, uint32_t seed, bool whole, Random& random) {
    uint32_t differ = 0;
    for (unsigned byte = 0; byte < 4; ++byte) differ |= ((held ^ seed) >> (8 * byte) & 0xFF) != 0 ? 1u << byte : 0;
    const uint32_t some = random.word() & 0xF;
    const uint32_t strobe = whole || (some & differ) == 0 ? some | differ : some;
    return {kSeed, with_others(seed, strobe, random), strobe};
  }
  // The data with anything in the bytes without their strobe, small numbers in the lowest one.
  static uint32_t with_others(uint32_t data, uint32_t strobe, Random& random) {
    uint32_t others = random.word();
    if (random.once_in(2)) others = (others & ~0xFFu) | random.word() % 8;
    return (data & mask_of(strobe)) | (others & ~mask_of(strobe));
  }
  Write planes_write(uint64_t planes, Random& random) const {
    return number_write(kPlanes, planes, header_.all_planes, random);
  }
  Write samples_write(uint64_t samples, Random& random) const {
    return number_write(kSamples, samples, header_.all_samples, random);
  }
  // Bits of MODE that are not there may be anything.
  static Write mode_write(uint64_t mode, Random& random) {
    return {kMode, static_cast<uint32_t>(mode) | (random.word() & ~3u)};
  }

  // Detours on the way to the settings of the next frame, where there is time; the rest follows by itself.
  void plan(const Engine& engine, const Registers& registers, Random& random) {
    planned_ = engine.started();
    if (!set_ || planned_ >= course_.frames) return;
    if (engine.until_done() < 100) return;
    for (uint64_t detours = random.below(3); detours > 0; --detours) {
      const uint32_t some[] = {kPlanes, header_.has_seed ? kSeed : kPlanes, kSamples, kMode};
      const uint32_t address = some[random.below(header_.all_samples != 0 ? 4 : 2)];
      plan_.push_back({address, random.once_in(2) ? random.word() : random.word() % 8, random.word() & 0xF});
    }
    const auto seed = static_cast<uint32_t>(vectors_.records[course_.at(planned_)].seed);
    if (header_.has_seed && registers.seed() != seed && random.once_in(2)) {
      const uint32_t some = random.word() & 0xF;
      plan_.push_back({kSeed, seed ^ ~mask_of(some), some});
      plan_.push_back({kSeed, seed ^ mask_of(some), ~some & 0xF});
    }
  }

  static uint32_t mask_of(uint32_t strobe) {
    uint32_t mask = 0;
    for (unsigned byte = 0; byte < 4; ++byte) {
      if (strobe >> byte & 1) mask |= 0xFFu << (8 * byte);
    }
    return mask;
  }

  // Writes that meet an event: launched in its very cycle, or not at all.
  void seek(const Engine& engine, const Registers& registers, const Events& events, Random& random) {
    if (sought_ == Sought::Nothing) return;
    const bool met = (sought_ == Sought::Start && events.started) || (sought_ == Sought::Done && events.done) ||
                     (sought_ == Sought::Error && events.error) ||
                     (sought_ == Sought::LoadError && registers.load_refused());
    const bool unsafe = sought_ == Sought::Done && !settled(engine, registers);
    if (met && master_.can_write() && !registers.bvalid() && !unsafe) master_.write(meeting_, true, random);
    if (met || --patience_ == 0 || (set_ && !settled(engine, registers))) sought_ = Sought::Nothing;
  }

  void next_write(const Engine& engine, const Registers& registers, bool urgent, Random& random) {
    if (urgent) plan_.clear();
    if (!plan_.empty()) {
      master_.write(plan_.front(), false, random);
      plan_.pop_front();
      return;
    }
    if (set_ && !settled(engine, registers)) {
      const Record& next = vectors_.records[course_.at(engine.started())];
      if (header_.all_planes > 1 && registers.planes() != next.planes) {
        master_.write(planes_write(next.planes, random), urgent, random);
      } else if (header_.has_seed && registers.seed() != next.seed) {
        const auto seed = static_cast<uint32_t>(next.seed);
        master_.write(seed_write(registers.seed(), seed, urgent, random), urgent, random);
      } else if (header_.all_samples != 0 && registers.samples() != next.samples) {
        master_.write(samples_write(next.samples, random), urgent, random);
      } else if (header_.all_samples != 0 && registers.mode() != next.mode) {
        master_.write(mode_write(next.mode, random), urgent, random);
      }
      return;
    }
    if (quiet_) return;
    const bool waits = !registers.wanted() && engine.frame_waiting();
    if (waits && random.once_in(24)) {
      master_.write({kControl, random.once_in(8) ? 1u : 2u}, false, random);
    } else if (random.once_in(profile_.writes)) {
      any_write(engine, registers, random);
    }
  }

  // A write that leaves the settings alone, or one that is to meet an event.
  void any_write(const Engine& engine, const Registers& registers, Random& random) {
    const bool safe = engine.busy() ? engine.until_done() >= 2 * kTime || !set_ : settled(engine, registers);
    const uint32_t draw = random.word();
    const uint32_t strobe = random.once_in(2) ? 0xF : random.word() & 0xF;
    switch (random.below(profile_.manual ? 11 : 9)) {
      case 0: {
        const bool numbers = header_.all_planes > 1 || header_.all_samples != 0;
        const bool kept = numbers && random.once_in(2);
        const uint32_t number = header_.all_planes > 1 ? kPlanes : kSamples;
        master_.write(kept ? kept_write(number, random) : Write{random.word() & 0xFFF, draw, 0}, false, random);
        break;
      }
      case 1: outside(draw, strobe, random); break;
      case 2: {
        const uint32_t words[] = {kId, kFrames, kCycles, kLayers, kLoad, kLayerCycles + 4 * (draw % static_cast<uint32_t>(header_.layers))};
        master_.write({words[random.below(6)] | (draw >> 28 & 3), random.word(), strobe}, false, random);
        break;
      }
      case 3: master_.write({kStatus | (draw >> 28 & 3), random.word(), strobe}, false, random); break;
      case 4: {
        const bool loads = header_.program_beats > 0 && random.once_in(2);
        seek_write(loads ? Sought::LoadError : Sought::Error, {kStatus, random.word() | (loads ? 32 : 8)}, random);
        break;
      }
      case 5:
        if (registers.wanted()) seek_write(Sought::Start, {kControl, registers.automatic() | 2u}, random);
        break;
      case 6:
        if (registers.wanted()) seek_write(Sought::Done, {kControl, registers.automatic() | 2u}, random);
        break;
      case 7:  // no effect: the low byte is not written, or it is the same
        master_.write({kControl, draw, strobe & 0xE}, false, random);
        break;
      case 8:
        next_settings(engine, registers, random);
        break;
      default:
        // AUTO stays on now and then only.
        if (safe) {
          const uint32_t data = random.once_in(4) ? draw : draw & ~1u;
          master_.write({kControl | (draw >> 28 & 3), data, strobe | 1}, false, random);
        }
        break;
    }
  }

  void outside(uint32_t data, uint32_t strobe, Random& random) {
    // Registers of other addresses that share some bits with those of the map, and any.
    // Programs have writes of their own.
    const uint32_t near[] = {header_.all_samples != 0 ? 0x028u : 0x020u, header_.program_beats > 0 ? 0x034u : 0x02Cu, 0x0FC, 0x404, 0x804, 0x408, 0x818, 0x41C, 0x084, 0x044};
    uint32_t address = random.once_in(2) ? near[random.below(10)] : 0x200 + (random.word() & 0xDFC);
    const auto behind = static_cast<uint32_t>(kLayerCycles + 4 * header_.layers);
    if (address >= kLayerCycles && address < behind) address = behind;
    if (header_.program_beats > 0 && random.once_in(3)) {
      // A part of a word is no beat of a program.
      address = random.once_in(2) ? kProgram : kProgramLast;
      strobe &= ~(1u << random.below(4));
    }
    master_.write({address & 0xFFF, data, strobe}, false, random);
  }

  void seek_write(Sought event, const Write& write, Random& random) {
    sought_ = event;
    meeting_ = write;
    patience_ = 20 + random.below(200);
  }

  // The settings of the frame behind the next one, in the cycle in which the next one starts.
  void next_settings(const Engine& engine, const Registers& registers, Random& random) {
    if (!set_ || engine.busy() || !registers.wanted() || engine.started() + 1 >= course_.frames) return;
    const Record& record = vectors_.records[course_.at(engine.started() + 1)];
    const uint32_t strobe = random.once_in(2) ? 0xF : random.word() & 0xF;
    const Write seed{kSeed, static_cast<uint32_t>(record.seed), strobe};
    if (header_.all_samples != 0) {
      const Write some[] = {seed, samples_write(record.samples, random), mode_write(record.mode, random)};
      seek_write(Sought::Start, some[random.below(3)], random);
    } else {
      const bool seeds = header_.has_seed && (header_.all_planes == 1 || random.once_in(2));
      seek_write(Sought::Start, seeds ? seed : planes_write(record.planes, random), random);
    }
  }

  void next_read(const Engine& engine, const Registers& registers, Random& random) {
    if (read_before_ != kNever) {
      // The counters change behind the frame's last cycle; a read shows them two cycles behind its address.
      const uint64_t left = engine.until_done();
      if (left == kNever || left < read_before_) read_before_ = kNever;
      if (left != read_before_ || !registers.arready()) return;
      const uint32_t words[] = {kStatus, kFrames, kCycles,
                                kLayerCycles + 4 * static_cast<uint32_t>(random.below(header_.layers))};
      master_.read(words[random.below(4)], true, random);
      read_before_ = kNever;
      return;
    }
    if (!sweep_.empty()) {
      master_.read(sweep_.front(), random.once_in(2), random);
      sweep_.pop_front();
      return;
    }
    if (quiet_ || !random.once_in(profile_.reads)) return;
    const uint64_t left = engine.until_done();
    if (left != kNever && left > 4 && left < 60 && random.once_in(2)) {
      read_before_ = random.below(4);
      return;
    }
    uint32_t address = 4 * static_cast<uint32_t>(random.below(11));
    if (random.once_in(3)) address = kLayerCycles + 4 * static_cast<uint32_t>(random.below(header_.layers + 1));
    if (random.once_in(8)) address = random.word() & 0xFFF;
    master_.read(address, random.once_in(3), random);
  }
};
