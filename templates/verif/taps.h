// Compares the taps and the result stream with the vector file: final sums, result bits, scores and tlast, in
// the order of runs of layers, group and pixel, and the cycle in which each run's last sum comes.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "Vcosim_top.h"
#include "engine.h"
#include "report.h"
#include "stimulus.h"
#include "vectors.h"

// Position in one of the two tap sequences.
struct Cursor {
  uint64_t frame = 0, run = 0, group = 0, event = 0, offset = 0;
};

class Taps {
 public:
  uint64_t sums_seen = 0, bits_seen = 0, scores_seen = 0;
  uint64_t interval = ~0ull;  // least cycles between the first sums of two frames

  Taps(const Vectors& vectors, Log& log) : vectors_(vectors), header_(vectors.header), log_(log) {}

  void begin(const Course& course) {
    course_ = course;
    sums_ = bits_ = Cursor{};
    skip_silent_layers(bits_);
    scored_ = score_ = last_start_ = 0;
    offered_ = last_sum_ = last_sum_next_ = false;
  }

  // Frames whose results came completely.
  uint64_t scored() const { return scored_; }

  // Looks at what stands just before the rising edge; `events` is what the engine should do then.
  void sample(const Vcosim_top& t, const Engine& engine, const Events& events) {
    if (t.sum_valid_o) sample_sums(t, engine);
    if (t.bit_valid_o) sample_bits(t);
    sample_scores(t);
    if (events.layer_done && !last_sum_) {
      Mismatch m = log_.at("cycles", "the layer's last sum came one cycle before its end");
      m.image = image_of(engine.ended());
      place(m, engine.run());
      m.expected = 1;
      log_.report(m);
    }
    last_sum_ = last_sum_next_;
    last_sum_next_ = false;
  }

  // Reports frames whose taps were not all seen.
  void complete() {
    if (sums_.frame == course_.frames && (header_.record_bits == 0 || bits_.frame == course_.frames)) return;
    Mismatch m = log_.at("count", "frames whose taps were all seen");
    place(m, std::min(sums_.run, bits_.run));
    m.expected = static_cast<int64_t>(course_.frames);
    m.actual = static_cast<int64_t>(std::min(sums_.frame, bits_.frame));
    log_.report(m);
  }

  // Where a run that stands still is.
  Mismatch hang(const char* note) const {
    Mismatch m = log_.at("hang", note);
    m.image = image_of(std::min(sums_.frame, course_.frames - 1));
    place(m, sums_.run);
    m.group = static_cast<int64_t>(sums_.group);
    return m;
  }

 private:
  const Vectors& vectors_;
  const Header& header_;
  Log& log_;
  Course course_;
  Cursor sums_, bits_;
  bool last_sum_ = false, last_sum_next_ = false;  // a layer's last sum came, in the cycle before
  uint64_t scored_ = 0, score_ = 0;                // frame and score that come next
  uint64_t last_start_ = 0;
  bool offered_ = false;  // a result stood there and was not taken
  uint64_t offered_data_ = 0;
  bool offered_last_ = false;

  void sample_sums(const Vcosim_top& t, const Engine& engine) {
    log_.last_progress = log_.cycle;
    if (unexpected(sums_, "sum", engine.busy())) return;
    if (sums_.offset == 0) {
      // The engine computes one frame after the other, so the least distance is its pace.
      if (last_start_ != 0) interval = std::min(interval, log_.cycle - last_start_);
      last_start_ = log_.cycle;
    }
    const Layer& layer = layer_of(sums_);
    const int32_t* expected = vectors_.sums(course_.at(sums_.frame)) + sums_.offset;
    const auto width = static_cast<unsigned>(header_.sum_bits);
    const uint64_t lanes = used_lanes(layer, sums_.group);
    for (uint64_t lane = 0; lane < lanes; ++lane) {
      const uint64_t raw = bits_of(t.sum_o, static_cast<unsigned>(lane) * width, width);
      const int64_t actual = header_.sum_signed ? sign_extended(raw, width) : static_cast<int64_t>(raw);
      if (actual != expected[lane]) log_.report(at_tap("sum", sums_, lane, expected[lane], actual));
    }
    sums_seen += lanes;
    const uint64_t run_before = sums_.run;
    advance(sums_, lanes, layer.sums);
    last_sum_next_ = sums_.run != run_before;
    if (sums_.run == runs_of(sums_)) sums_ = Cursor{sums_.frame + 1, 0, 0, 0, 0};
  }

  void sample_bits(const Vcosim_top& t) {
    log_.last_progress = log_.cycle;
    if (unexpected(bits_, "bit", true)) return;
    const Layer& layer = layer_of(bits_);
    const uint8_t* expected = vectors_.bits(course_.at(bits_.frame)) + bits_.offset;
    const uint64_t lanes = used_lanes(layer, bits_.group);
    for (uint64_t plane = 0; plane < header_.map_bits; ++plane, expected += lanes) {
      const auto first = static_cast<unsigned>(plane * header_.lanes);
      for (uint64_t lane = 0; lane < lanes; ++lane) {
        const auto actual =
            static_cast<int64_t>(bits_of(t.result_bits_o, first + static_cast<unsigned>(lane), 1));
        if (actual != expected[lane]) log_.report(at_tap("bit", bits_, lane, expected[lane], actual));
      }
    }
    bits_seen += header_.map_bits * lanes;
    advance(bits_, header_.map_bits * lanes, layer.bits);
    skip_silent_layers(bits_);
  }

  void sample_scores(const Vcosim_top& t) {
    const unsigned width = 8 * static_cast<unsigned>(header_.score_bytes);
    const uint64_t data = bits_of(t.m_axis_tdata, 0, width);
    if (offered_ && (!t.m_axis_tvalid || data != offered_data_ || bool(t.m_axis_tlast) != offered_last_)) {
      log_.report(log_.at("protocol", "a result was offered and changed before it was taken"));
    }
    offered_ = t.m_axis_tvalid && !t.m_axis_tready;
    offered_data_ = data;
    offered_last_ = t.m_axis_tlast;
    if (!t.m_axis_tvalid || !t.m_axis_tready) return;
    log_.last_progress = log_.cycle;
    if (scored_ >= course_.frames) {
      log_.report(log_.at("score", "a result after the last frame"));
      return;
    }
    const Layer& last = vectors_.layers.back();
    const uint64_t columns = last.sum_pixels ? 1 : last.pooled_columns;
    Mismatch m = log_.at("score", note_of(scored_));
    m.image = image_of(scored_);
    m.layer = static_cast<int64_t>(header_.layers) - 1;
    m.channel = static_cast<int64_t>(score_ % last.channels);
    m.row = static_cast<int64_t>(score_ / last.channels / columns);
    m.column = static_cast<int64_t>(score_ / last.channels % columns);
    m.expected = vectors_.score(course_.at(scored_), score_);
    m.actual = sign_extended(data, width);
    if (((m.actual ^ m.expected) & static_cast<int64_t>(~0ull >> (64 - width))) != 0) log_.report(m);
    const bool is_last = score_ + 1 == header_.scores;
    if (bool(t.m_axis_tlast) != is_last) {
      m.kind = "tlast";
      m.expected = is_last;
      m.actual = t.m_axis_tlast;
      log_.report(m);
    }
    ++scores_seen;
    score_ = is_last ? 0 : score_ + 1;
    scored_ += is_last;
  }

  uint64_t runs_of(const Cursor& cursor) const { return vectors_.records[course_.at(cursor.frame)].cycles.size(); }
  const Layer& layer_of(const Cursor& cursor) const { return vectors_.layers[vectors_.layer_of(cursor.run)]; }

  // Says of which run of which layer something is.
  void place(Mismatch& m, uint64_t run) const {
    m.layer = static_cast<int64_t>(vectors_.layer_of(run));
    if (header_.all_samples != 0) m.sample = static_cast<int64_t>(vectors_.sample_of(run));
  }

  uint64_t used_lanes(const Layer& layer, uint64_t group) const {
    return std::min(header_.lanes, layer.channels - group * header_.lanes);
  }

  static int64_t sign_extended(uint64_t value, unsigned width) {
    return static_cast<int64_t>(value << (64 - width)) >> (64 - width);
  }

  int64_t image_of(uint64_t frame) const {
    return static_cast<int64_t>(vectors_.records[course_.at(frame)].image);
  }

  // Says of a frame of the run's own what it is.
  const char* note_of(uint64_t frame) const {
    static const char* const notes[] = {"", "in the frame of least values behind the image",
                                        "in the frame of most values behind the image",
                                        "in the frame of sparse values behind the image",
                                        "in the frame of the two ends behind the image"};
    return notes[vectors_.records[course_.at(frame)].kind];
  }

  void advance(Cursor& cursor, uint64_t values, uint64_t events) {
    cursor.offset += values;
    if (++cursor.event < events) return;
    cursor.event = 0;
    if (++cursor.group < layer_of(cursor).groups) return;
    cursor.group = 0;
    ++cursor.run;
  }

  // Moves past layers that give scores instead of bits.
  void skip_silent_layers(Cursor& cursor) {
    if (header_.record_bits == 0) {
      cursor.frame = course_.frames;
      return;
    }
    while (cursor.run < runs_of(cursor) && layer_of(cursor).bits == 0) ++cursor.run;
    if (cursor.run < runs_of(cursor)) return;
    cursor = Cursor{cursor.frame + 1, 0, 0, 0, 0};
    while (layer_of(cursor).bits == 0) ++cursor.run;
  }

  bool unexpected(const Cursor& cursor, const char* kind, bool running) {
    if (running && cursor.frame < course_.frames) return false;
    log_.report(log_.at(kind, running ? "a value where none is due" : "a value while no frame runs"));
    return true;
  }

  Mismatch at_tap(const char* kind, const Cursor& cursor, uint64_t lane, int64_t expected, int64_t actual) const {
    const Layer& layer = layer_of(cursor);
    Mismatch m = log_.at(kind, note_of(cursor.frame));
    m.image = image_of(cursor.frame);
    place(m, cursor.run);
    m.group = static_cast<int64_t>(cursor.group);
    m.lane = static_cast<int64_t>(lane);
    m.channel = static_cast<int64_t>(cursor.group * header_.lanes + lane);
    m.expected = expected;
    m.actual = actual;
    if (layer.sum_pixels) return m;
    const bool sum = std::strcmp(kind, "sum") == 0;
    const uint64_t window_rows = sum ? layer.window_rows : 1;
    const uint64_t window_columns = sum ? layer.window_columns : 1;
    const uint64_t pixel = cursor.event / (window_rows * window_columns);
    const uint64_t inside = cursor.event % (window_rows * window_columns);
    const uint64_t row = pixel / layer.pooled_columns;
    const uint64_t column = pixel % layer.pooled_columns;
    m.row = static_cast<int64_t>(sum ? row * layer.stride_rows + inside / window_columns : row);
    m.column = static_cast<int64_t>(sum ? column * layer.stride_columns + inside % window_columns : column);
    return m;
  }
};
