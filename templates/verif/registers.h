// Model of the register file on AXI4-Lite: what every output is in every cycle.
//
// Written from the table of registers in ARCHITECTURE.md. A write takes effect with the edge at which address
// and data are taken; a read shows the registers as they stand two cycles behind its address (cycles of several
// layers: one cycle).

#pragma once

#include <cstdint>

#include "engine.h"

constexpr uint32_t kId = 0x000, kControl = 0x004, kStatus = 0x008, kFrames = 0x00C, kCycles = 0x010,
                   kLayers = 0x014, kPlanes = 0x018, kSeed = 0x01C, kSamples = 0x020, kMode = 0x024,
                   kLoad = 0x028, kProgram = 0x02C, kProgramLast = 0x030, kLayerCycles = 0x100;

// What the master drives in one cycle.
struct LiteInputs {
  bool awvalid = false, wvalid = false, bready = false, arvalid = false, rready = false;
  uint32_t awaddr = 0, wdata = 0, wstrb = 0, araddr = 0;
};

class Registers {
 public:
  explicit Registers(const Vectors& vectors) : vectors_(vectors), header_(vectors.header) { reset(); }

  void reset() {
    auto_ = true;
    start_ = error_ = load_error_ = refused_ = bvalid_ = rvalid_ = false;
    cause_ = 0;
    planes_ = header_.all_planes;
    samples_ = header_.all_samples;
    mode_ = 0;
    seed_ = header_.has_seed ? 1 : 0;
    frames_ = cycles_ = 0;
    shown_ = nullptr;
    wait_ = 0;
    index_ = data_ = early_ = 0;
  }

  // Programs were refused before the first cycle, the last one for that cause.
  void refused_before(uint32_t cause) {
    cause_ = cause;
    load_error_ = true;
  }
  // The coming edge takes a beat of a program that is refused for that cause.
  void refuse(uint32_t cause) { refusing_ = cause; }

  bool wanted() const { return auto_ || start_; }
  bool automatic() const { return auto_; }
  bool start() const { return start_; }
  bool error() const { return error_; }
  bool load_error() const { return load_error_; }
  // The coming edge sets it.
  bool load_refused() const { return refused_; }
  uint64_t planes() const { return planes_; }
  uint32_t seed() const { return seed_; }
  uint64_t samples() const { return samples_; }
  uint64_t mode() const { return mode_; }
  bool bvalid() const { return bvalid_; }
  bool rvalid() const { return rvalid_; }
  uint32_t rdata() const { return data_; }
  bool arready() const { return wait_ == 0 && !rvalid_; }
  bool written(const LiteInputs& in) const { return in.awvalid && in.wvalid && !bvalid_; }
  // The word that a read is about to show; whether it does so with the coming edge.
  uint32_t reading() const { return index_; }
  bool captures() const { return wait_ == 2; }
  // The frame whose cycles the counters show, none since a reset.
  const Record* shown() const { return shown_; }

  bool has(uint32_t address) const {
    const uint32_t word = address & 0xFFC;
    if (word <= kLayers) return true;
    if (word == kPlanes) return header_.all_planes > 1;
    if (word == kSeed) return header_.has_seed;
    if (word == kSamples || word == kMode) return header_.all_samples != 0;
    if (word == kLoad) return loads();
    return word >= kLayerCycles && (word - kLayerCycles) / 4 < header_.layers;
  }

  const char* name(uint32_t address) const {
    static const char* const names[] = {"ID", "CONTROL", "STATUS", "FRAMES", "CYCLES", "LAYERS", "PLANES", "SEED",
                                        "SAMPLES", "MODE", "LOAD"};
    if (!has(address)) return "an address without a register";
    return (address & 0xFFC) >= kLayerCycles ? "LAYER_CYCLES" : names[(address & 0xFFC) / 4];
  }

  void clock(const LiteInputs& in, const Engine& engine, const Events& e) {
    // Read.
    const bool taken = in.arvalid && arready();
    if (wait_ == 2) {
      const bool layer = index_ >= kLayerCycles && has(index_) && header_.layers > 1;
      data_ = layer ? early_ : value(index_, engine);
      rvalid_ = true;
    } else if (rvalid_ && in.rready) {
      rvalid_ = false;
    }
    if (wait_ == 1) early_ = value(index_, engine);
    if (taken) index_ = in.araddr & 0xFFC;
    wait_ = taken ? 1 : (wait_ == 1 ? 2 : 0);
    // Write.
    const bool write = written(in);
    const uint32_t word = in.awaddr & 0xFFC;
    const bool low = write && (in.wstrb & 1);
    if (write) bvalid_ = true;
    else if (in.bready) bvalid_ = false;
    if (e.started) start_ = false;
    if (low && word == kControl) {
      auto_ = in.wdata & 1;
      if (in.wdata & 2) start_ = true;
    }
    if (low && word == kStatus && (in.wdata & 8)) error_ = false;
    if (e.error) error_ = true;
    if (low && word == kStatus && (in.wdata & 32)) load_error_ = false;
    if (refused_) load_error_ = true;
    refused_ = refusing_ != 0;
    if (refused_) cause_ = refusing_;
    refusing_ = 0;
    if (write && word == kPlanes && header_.all_planes > 1) {
      const uint32_t all = merged(static_cast<uint32_t>(planes_), in);
      planes_ = all == 0 ? 1 : std::min<uint64_t>(all, header_.all_planes);
    }
    if (header_.has_seed) {
      if (write && word == kSeed) seed_ = merged(seed_, in);
      else if (e.started && (mode_ & kSameSeed) == 0) seed_ += kFrameStep;
    }
    if (write && word == kSamples && header_.all_samples != 0) {
      const uint32_t all = merged(static_cast<uint32_t>(samples_), in);
      samples_ = all == 0 ? 1 : std::min<uint64_t>(all, header_.all_samples);
    }
    if (low && word == kMode && header_.all_samples != 0) mode_ = in.wdata & (kNoFlips | kSameSeed);
    if (e.done) {
      shown_ = engine.running();
      ++frames_;
      cycles_ = shown_->total;
    }
  }

  // The register's content with the bytes of a write whose strobes are on.
  static uint32_t merged(uint32_t content, const LiteInputs& in) {
    for (unsigned byte = 0; byte < 4; ++byte) {
      const uint32_t mask = 0xFFu << (8 * byte);
      if (in.wstrb >> byte & 1) content = (content & ~mask) | (in.wdata & mask);
    }
    return content;
  }

 private:
  // What SEED grows by with every frame.
  static constexpr uint32_t kFrameStep = 0x9E3779B9;

  const Vectors& vectors_;
  const Header& header_;
  bool auto_ = true, start_ = false, error_ = false;
  uint64_t planes_ = 1, samples_ = 0, mode_ = 0, frames_ = 0, cycles_ = 0;
  uint32_t seed_ = 0;
  const Record* shown_ = nullptr;
  bool load_error_ = false, refused_ = false;  // a program was refused; one was with the last edge
  uint32_t cause_ = 0, refusing_ = 0;
  bool bvalid_ = false, rvalid_ = false;
  unsigned wait_ = 0;
  uint32_t index_ = 0, data_ = 0, early_ = 0;

  // There is a program, which is loaded before anything is read.
  bool loads() const { return header_.program_beats > 0; }

  uint32_t value(uint32_t word, const Engine& engine) const {
    if (!has(word)) return 0;
    switch (word) {
      case kId: return 0x42434D31;
      case kControl: return auto_ | start_ << 1;
      case kStatus:
        return engine.busy() | engine.frame_waiting() << 1 | engine.scores_waiting() << 2 | error_ << 3 |
               loads() << 4 | load_error_ << 5;
      case kFrames: return static_cast<uint32_t>(frames_);
      case kCycles: return static_cast<uint32_t>(cycles_);
      case kLayers: return static_cast<uint32_t>(header_.layers);
      case kPlanes: return static_cast<uint32_t>(planes_);
      case kSeed: return seed_;
      case kSamples: return static_cast<uint32_t>(samples_);
      case kMode: return static_cast<uint32_t>(mode_);
      case kLoad: return cause_;
      default: break;
    }
    if (shown_ == nullptr) return 0;
    return static_cast<uint32_t>(shown_->cycles[vectors_.last_run(*shown_, (word - kLayerCycles) / 4)]);
  }
};
