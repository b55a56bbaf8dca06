// Drivers of the two streams: frames in, well formed or not, and willingness to take results.

#pragma once

#include <cstdint>
#include <vector>

#include "Vcosim_top.h"
#include "engine.h"
#include "stimulus.h"
#include "vectors.h"

// Sends the frames of a course. Between them come pieces that end with an early tlast, which the accelerator
// drops; some frames lack their tlast, and a piece behind such a frame makes it come late.
class ImageStream {
 public:
  // The faults of the frame that is sent: for coverage.
  enum class Fault { None, Early, Late, Missing };

  explicit ImageStream(const Vectors& vectors) : vectors_(vectors), header_(vectors.header), junk_(header_.beat_bytes) {}

  // `rarity`: one frame in so many has each kind of fault.
  void begin(const Course& course, uint64_t rarity, Random& random) {
    course_ = course;
    rarity_ = rarity;
    frame_ = beat_ = piece_ = waited_ = 0;
    offered_ = late_ = false;
    choose(random);
  }

  // Frames of which every beat was taken; the beat that comes next in the present one.
  uint64_t sent() const { return frame_; }
  bool all_sent() const { return frame_ == course_.frames && !offered_; }
  bool inside() const { return beat_ > 0; }
  // What the offered beat's tlast is when it is not where it should be.
  Fault fault() const { return piece_ > 0 ? (late_ ? Fault::Late : Fault::Early) : Fault::Missing; }

  // The offered beat was taken.
  void taken(Random& random) {
    offered_ = false;
    waited_ = 0;
    if (++beat_ < (piece_ > 0 ? piece_ : header_.beats)) return;
    beat_ = 0;
    if (piece_ > 0) {
      piece_ = 0;
      late_ = false;
      return;
    }
    ++frame_;
    late_ = missing_;
    choose(random);
  }

  // Sets the stream's inputs of the coming cycle. `may_end` allows the last beat of the frame.
  void drive(Vcosim_top& t, const Engine& engine, bool may_end, Random& random) {
    if (!offered_ && frame_ < course_.frames && pace_.next(random) && ends(engine, may_end)) {
      offered_ = true;
      t.s_axis_tlast = last() && (piece_ > 0 || !missing_);
      if (piece_ > 0) {
        for (auto& byte : junk_) byte = static_cast<uint8_t>(random.next() >> 24);
        put_bytes(t.s_axis_tdata, junk_.data(), junk_.size());
      } else {
        put_bytes(t.s_axis_tdata, vectors_.beat(course_.at(frame_), beat_), header_.beat_bytes);
      }
    }
    t.s_axis_tvalid = offered_;
    // What stands there while nothing is offered means nothing.
    if (!offered_) t.s_axis_tlast = random.next() >> 40 & 1;
  }

 private:
  const Vectors& vectors_;
  const Header& header_;
  Course course_;
  Pace pace_;
  std::vector<uint8_t> junk_;
  uint64_t rarity_ = 1;
  uint64_t frame_ = 0, beat_ = 0;
  uint64_t piece_ = 0;    // beats of the piece before the frame, 0: none
  bool offered_ = false;
  bool missing_ = false;  // the frame lacks its tlast
  bool late_ = false;     // the frame before lacked it, and the piece ends with it
  bool aim_ = false;      // the frame becomes complete as another leaves
  uint64_t waited_ = 0;

  bool last() const { return beat_ + 1 == (piece_ > 0 ? piece_ : header_.beats); }

  void choose(Random& random) {
    pace_.choose(random, vectors_.cycles);
    missing_ = random.once_in(rarity_);
    aim_ = random.once_in(4);
    // A piece behind a frame without tlast makes it late, else it is a frame that breaks off.
    const bool piece = header_.beats > 1 && random.once_in(late_ ? 2 : rarity_);
    piece_ = piece ? 1 + random.below(header_.beats - 1) : 0;
    if (!piece) late_ = false;
  }

  // Whether the next beat may come, where it is the last one of a frame.
  bool ends(const Engine& engine, bool may_end) { return !last() || piece_ > 0 || (may_end && aims(engine)); }

  // Whether the last beat of a frame comes now: at once, or such that the padding behind it ends with the first
  // layer of the running frame.
  bool aims(const Engine& engine) {
    if (!aim_ || header_.input_frames == 1) return true;
    const uint64_t left = engine.until_released();
    if (left == ~0ull || left < engine.trailing() || waited_ > 2 * vectors_.cycles) return true;
    ++waited_;
    return left == engine.trailing();
  }
};

// Takes the results.
class ResultStream {
 public:
  explicit ResultStream(const Vectors& vectors) : vectors_(vectors) {}

  void begin(const Course& course, Random& random) {
    frames_ = course.frames;
    waited_ = 0;
    choose(random);
  }

  void choose(Random& random) {
    pace_.choose(random, vectors_.cycles);
    aim_ = random.once_in(4);
  }

  // Sets tready of the coming cycle; `events` is what else happens in it.
  void drive(Vcosim_top& t, const Engine& engine, const Events& events, Random& random) {
    bool ready = pace_.next(random);
    if (aim_ && engine.read_is_next()) {
      // A frame's last score leaves as the engine ends a frame, or starts one.
      const bool now = events.written || events.started;
      const bool hopeless = !engine.busy() && (!engine.has_room() || engine.started() == frames_);
      ready = now || hopeless || waited_ > 3 * vectors_.cycles;
      waited_ = ready ? 0 : waited_ + 1;
    }
    t.m_axis_tready = ready;
  }

 private:
  const Vectors& vectors_;
  Pace pace_;
  uint64_t frames_ = 0;
  bool aim_ = false;
  uint64_t waited_ = 0;
};
