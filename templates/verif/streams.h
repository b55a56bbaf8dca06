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
      choose_aim(random);
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
  // A frame becomes complete, or a piece ends, when it can, as another frame leaves the input, when the engine
  // stands idle (with no scores, or a frame's last one, waiting), or when the running frame is the only one.
  enum class Aim { None, Released, Idle, Alone };

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
  Aim aim_ = Aim::None;   // when the frame becomes complete
  uint64_t waited_ = 0;

  bool last() const { return beat_ + 1 == (piece_ > 0 ? piece_ : header_.beats); }

  void choose(Random& random) {
    pace_.choose(random, vectors_.cycles);
    missing_ = random.once_in(rarity_);
    // A piece behind a frame without tlast makes it late, else it is a frame that breaks off.
    const bool piece = header_.beats > 1 && random.once_in(late_ ? 2 : rarity_);
    piece_ = piece ? 1 + random.below(header_.beats - 1) : 0;
    if (!piece) late_ = false;
    choose_aim(random);
  }

  // For the piece or, behind it, for the frame.
  void choose_aim(Random& random) {
    static constexpr Aim of_frames[] = {Aim::None, Aim::None, Aim::None, Aim::None, Aim::Released, Aim::Released,
                                        Aim::Idle, Aim::Alone};
    static constexpr Aim of_pieces[] = {Aim::None, Aim::None, Aim::Idle, Aim::Alone};
    aim_ = piece_ > 0 ? of_pieces[random.below(4)] : of_frames[random.below(8)];
  }

  // Whether the next beat may come, where it is the last one of a frame.
  bool ends(const Engine& engine, bool may_end) {
    return !last() || ((may_end || piece_ > 0) && aims(engine));
  }

  // Whether the last beat of a frame comes now, such that the padding behind it ends when it is aimed at.
  bool aims(const Engine& engine) {
    if (aim_ == Aim::None || waited_ > 3 * vectors_.cycles) return true;
    ++waited_;
    if (aim_ == Aim::Idle) return !engine.busy() && (engine.read_is_next() || !engine.scores_waiting());
    if (aim_ == Aim::Alone) return !engine.frame_waiting() && (engine.busy() || waited_ > 64);
    const uint64_t left = engine.until_released();
    if (left != ~0ull) return left <= engine.trailing();
    // The next frame's first layer is waited for where there is one.
    return header_.input_frames == 1 || !engine.frame_waiting();
  }
};

// Takes the results.
class ResultStream {
 public:
  explicit ResultStream(const Vectors& vectors) : vectors_(vectors) {}

  void begin(const Course& course, Random& random) {
    frames_ = course.frames;
    choose(random);
  }

  void choose(Random& random) {
    static constexpr Aim choices[] = {Aim::None, Aim::None, Aim::Written, Aim::Started, Aim::Started, Aim::Blocked};
    pace_.choose(random, vectors_.cycles);
    aim_ = choices[random.below(6)];
    waited_ = blocked_ = 0;
  }

  // Sets tready of the coming cycle; `events` is what else happens in it.
  void drive(Vcosim_top& t, const Engine& engine, const Events& events, Random& random) {
    const bool ready = pace_.next(random);
    t.m_axis_tready = aim_ == Aim::None || !engine.output_valid() ? ready : aims(engine, events, ready);
  }

 private:
  // A frame's scores leave as they can; its last one leaves as another frame's are complete, or as another frame
  // starts; none leaves until a frame waits for their room.
  enum class Aim { None, Written, Started, Blocked };

  const Vectors& vectors_;
  Pace pace_;
  uint64_t frames_ = 0;
  Aim aim_ = Aim::None;
  uint64_t waited_ = 0, blocked_ = 0;

  bool aims(const Engine& engine, const Events& events, bool ready) {
    const bool over = engine.started() == frames_ && !engine.busy();
    if (over || ++waited_ > 4 * vectors_.cycles) {
      aim_ = Aim::None;
      return ready;
    }
    if (aim_ == Aim::Blocked) {
      blocked_ += !engine.busy() && !engine.has_room() && engine.frame_waiting();
      if (blocked_ == 8) aim_ = Aim::None;
      return false;
    }
    if (!engine.read_is_next()) return ready;
    // A frame that waits for room does not start.
    const bool hopeless = !engine.busy() && !engine.has_room();
    return hopeless || (aim_ == Aim::Written ? events.written : events.started);
  }
};
