// Model of what goes on between the ports: when frames enter, start, end and leave, cycle by cycle.
//
// Written from ARCHITECTURE.md ("Ports, cycle by cycle") and not from the Verilog: from what was driven so
// far and from the cycles that the golden model gives each layer it says what the handshakes of both streams
// and the status bits must be.

#pragma once

#include <cstdint>

#include "vectors.h"

// What happens in one cycle, with the edge at its end.
struct Events {
  bool taken = false;       // a beat of the image stream
  bool error = false;       // its tlast is not where it should be
  bool restart = false;     // early: what came of the frame is dropped
  bool entered = false;     // a frame is complete in the input memory
  bool started = false;     // a frame starts
  bool layer_done = false;  // the last result of a layer's run
  bool released = false;    // of the first layer's last run, which gives the frame's place in the input free
  bool done = false;        // of the last layer's last run
  bool written = false;     // the frame's scores are complete
  bool fetched = false;     // a word of scores is taken from the buffer
  bool moved = false;       // a score goes to the result stream's register
  bool read = false;        // it is the frame's last one
};

class Engine {
 public:
  explicit Engine(const Vectors& vectors) : vectors_(vectors), header_(vectors.header) {
    while (trailing_ < header_.slots && !vectors.slot(header_.slots - 1 - trailing_)) ++trailing_;
  }

  // After a reset; the coming cycle is the first one.
  void reset(const Course& course) {
    course_ = course;
    now_ = 0;
    may_start_ = header_.first_tile;
    position_ = beat_ = frames_ = started_ = ended_ = 0;
    busy_ = false;
    run_ = age_ = 0;
    running_ = nullptr;
    promised_ = complete_ = 0;
    written_late_ = false;
    word_ = held_ = held_last_ = false;
    score_ = 0;
  }

  bool input_ready() const { return frames_ < header_.input_frames && vectors_.slot(position_); }
  bool output_valid() const { return held_; }
  bool output_last() const { return held_last_; }
  bool busy() const { return busy_; }
  bool frame_waiting() const { return frames_ > 0; }
  bool input_full() const { return frames_ == header_.input_frames; }
  bool scores_waiting() const { return complete_ > 0; }
  bool has_room() const { return promised_ < 2; }
  // Frames since the reset; of the running frame or the last one: its record.
  uint64_t started() const { return started_; }
  uint64_t ended() const { return ended_; }
  const Record* running() const { return running_; }
  // The run of a layer that goes on, and that layer.
  uint64_t run() const { return run_; }
  uint64_t layer() const { return vectors_.layer_of(run_); }
  // The beat that comes next in the present frame.
  uint64_t beat() const { return beat_; }
  // Cycles of padding behind a frame's last beat.
  uint64_t trailing() const { return trailing_; }
  // Taking the offered score puts the frame's last one into the register.
  bool read_is_next() const { return word_ && held_ && score_ + 1 == header_.scores; }
  // Cycles until the running frame ends, until its input is no longer read; ~0 where that is not known.
  uint64_t until_done() const { return busy_ ? until(running_->cycles.size() - 1) : ~0ull; }
  uint64_t until_released() const { return busy_ && run_ <= last_input() ? until(last_input()) : ~0ull; }

  // What the coming edge does.
  Events look(bool in_valid, bool in_last, bool out_ready, bool wanted) const {
    Events e;
    const bool room = frames_ < header_.input_frames;
    const bool last_beat = beat_ + 1 == header_.beats;
    const bool takes = vectors_.slot(position_);
    e.taken = in_valid && room && takes;
    e.error = e.taken && in_last != last_beat;
    e.restart = e.taken && in_last && !last_beat;
    e.entered = !e.restart && room && (e.taken || !takes) && position_ + 1 == header_.slots;
    e.layer_done = busy_ && age_ == running_->cycles[run_];
    e.released = e.layer_done && run_ == last_input();
    e.done = e.layer_done && run_ + 1 == running_->cycles.size();
    e.started = !busy_ && wanted && frames_ > 0 && promised_ < 2 && now_ >= may_start_;
    e.written = header_.last_scores ? e.done : written_late_;
    e.fetched = !word_ && complete_ > 0;
    e.moved = word_ && (!held_ || out_ready);
    e.read = e.moved && score_ + 1 == header_.scores;
    return e;
  }

  void clock(const Events& e, bool out_ready) {
    // Input.
    const bool room = frames_ < header_.input_frames;
    if (e.restart) {
      position_ = beat_ = 0;
    } else {
      if (e.taken) beat_ = beat_ + 1 == header_.beats ? 0 : beat_ + 1;
      if (e.entered) position_ = 0;
      else if (room && (e.taken || !vectors_.slot(position_))) ++position_;
    }
    frames_ += e.entered;
    frames_ -= e.released;
    // Frames and layers.
    ++age_;
    if (e.layer_done) {
      age_ = 1;
      run_ = e.done ? 0 : run_ + 1;
      if (e.done) {
        busy_ = false;
        ++ended_;
      }
    }
    if (e.started) {
      running_ = &vectors_.records[course_.at(started_)];
      may_start_ = now_ + vectors_.interval(*running_);
      ++started_;
      busy_ = true;
      run_ = 0;
      age_ = 1;
    }
    // Results.
    promised_ += e.started;
    promised_ -= e.read;
    complete_ += e.written;
    complete_ -= e.read;
    written_late_ = e.done;
    if (!held_ || out_ready) {
      held_ = word_;
      if (e.moved) held_last_ = e.read;
    }
    if (e.fetched) word_ = true;
    if (e.moved) {
      const uint64_t channels = vectors_.layers.back().channels;
      const uint64_t channel = score_ % channels;
      if (channel + 1 == channels || (channel + 1) % header_.lanes == 0) word_ = false;
      score_ = e.read ? 0 : score_ + 1;
    }
    ++now_;
  }

 private:
  // The running frame's last run of its first layer.
  uint64_t last_input() const { return vectors_.last_run(*running_, 0); }

  uint64_t until(uint64_t last) const {
    uint64_t left = running_->cycles[run_] - age_;
    for (uint64_t run = run_ + 1; run <= last; ++run) left += running_->cycles[run];
    return left;
  }

  const Vectors& vectors_;
  const Header& header_;
  Course course_;
  uint64_t trailing_ = 0;
  uint64_t now_ = 0;        // cycles since the reset
  uint64_t may_start_ = 0;  // cycle in which the first tile stands in the shadow
  // Input: place in the frame that enters, and frames that stand there.
  uint64_t position_ = 0, beat_ = 0, frames_ = 0;
  uint64_t started_ = 0, ended_ = 0;
  bool busy_ = false;
  uint64_t run_ = 0, age_ = 0;  // the run of a layer that goes on, and the cycle of it
  const Record* running_ = nullptr;
  // Score buffer: frames with room promised, frames complete; a word and a beat on their way out.
  uint64_t promised_ = 0, complete_ = 0;
  bool written_late_ = false;
  bool word_ = false, held_ = false, held_last_ = false;
  uint64_t score_ = 0;
};
