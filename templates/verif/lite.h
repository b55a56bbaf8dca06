// AXI4-Lite master: one write and one read at a time, side by side, with skew between address and data and
// with random readiness for the answers.

#pragma once

#include <cstdint>

#include "registers.h"
#include "stimulus.h"

class LiteMaster {
 public:
  struct Write {
    uint32_t address = 0, data = 0, strobe = 0xF;
  };

  void begin() {
    writing_ = reading_ = false;
    address_wait_ = data_wait_ = read_wait_ = 0;
  }

  bool can_write() const { return !writing_; }
  bool can_read() const { return !reading_; }
  bool busy(const Registers& registers) const {
    return writing_ || reading_ || registers.bvalid() || !registers.arready();
  }
  const Write& present() const { return write_; }

  // Starts a write; `at_once`: without skew.
  void write(const Write& write, bool at_once, Random& random) {
    write_ = write;
    writing_ = true;
    address_wait_ = at_once || random.once_in(2) ? 0 : random.below(5);
    data_wait_ = at_once || random.once_in(2) ? 0 : random.below(5);
  }

  void read(uint32_t address, bool at_once, Random& random) {
    read_ = address;
    reading_ = true;
    read_wait_ = at_once ? 0 : random.below(4);
  }

  // What the master drives in the coming cycle; `urgent` lets nothing wait.
  LiteInputs drive(bool urgent, Random& random) {
    LiteInputs in;
    const uint64_t draw = random.next();
    if (urgent) address_wait_ = data_wait_ = 0;
    in.awvalid = writing_ && address_wait_ == 0;
    in.wvalid = writing_ && data_wait_ == 0;
    in.arvalid = reading_ && read_wait_ == 0;
    // What is not valid means nothing.
    in.awaddr = in.awvalid ? write_.address : draw >> 20 & 0xFFF;
    in.wdata = in.wvalid ? write_.data : static_cast<uint32_t>(draw >> 32);
    in.wstrb = in.wvalid ? write_.strobe : draw >> 32 & 0xF;
    in.araddr = in.arvalid ? read_ : draw >> 40 & 0xFFF;
    in.bready = urgent || (draw >> 10 & 7) < 5;
    in.rready = (draw >> 14 & 7) < 5;
    address_wait_ -= address_wait_ > 0;
    data_wait_ -= data_wait_ > 0;
    read_wait_ -= read_wait_ > 0;
    return in;
  }

  // Behind the cycle in which `in` was driven; `registers` as they stood in it.
  void clock(const LiteInputs& in, const Registers& registers) {
    if (registers.written(in)) writing_ = false;
    if (in.arvalid && registers.arready()) reading_ = false;
  }

 private:
  Write write_;
  bool writing_ = false, reading_ = false;
  uint64_t address_wait_ = 0, data_wait_ = 0, read_wait_ = 0;
  uint32_t read_ = 0;
};
