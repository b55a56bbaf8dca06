// Co-simulation harness: drives the Verilated accelerator and compares everything it shows with a
// vector file, bit for bit and cycle for cycle.
//
//   model VECTORS --seed S [--resets N] [--result FILE] [--dump FILE --from CYCLE --to CYCLE]
//
// Phases, each from a reset: `reset` (frames cut off by a reset at a random cycle), `manual` (frames
// started by the register, one after a broken one, one without its tlast), `stream` (every frame, the next one streamed
// in while the present one is computed). Gaps, back-pressure, register accesses and resets come from the
// seed alone. Exit status: 0 all equal, 1 a difference, 2 the vector file or the arguments are unusable.

#include <verilated.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "Vcosim_top.h"
#include "stimulus.h"
#include "vectors.h"

#if defined(VM_TRACE_FST) && VM_TRACE_FST
#include <verilated_fst_c.h>
using Dump = VerilatedFstC;
#define DUMPING 1
#elif defined(VM_TRACE) && VM_TRACE
#include <verilated_vcd_c.h>
using Dump = VerilatedVcdC;
#define DUMPING 1
#endif

namespace {

constexpr uint64_t kMostMismatches = 1000;
constexpr uint32_t kId = 0x000, kControl = 0x004, kStatus = 0x008, kFrames = 0x00C, kCycles = 0x010,
                   kLayers = 0x014, kPlanes = 0x018, kSeed = 0x01C, kLayerCycles = 0x100;
// What SEED grows by with every frame.
constexpr uint32_t kFrameStep = 0x9E3779B9;

class Harness {
 public:
  Harness(const Vectors& vectors, uint64_t seed)
      : vectors_(vectors), header_(vectors.header), seed_(seed ^ (vectors.header.first_image << 20)),
        random_(seed_),
        context_(new VerilatedContext), top_(new Vcosim_top{context_.get()}),
        measured_(vectors.layers.size(), 0) {}

  ~Harness() {
#ifdef DUMPING
    if (dump_) dump_->close();
#endif
    top_->final();
  }

  void dump_to(const char* path, uint64_t from, uint64_t to) {
#ifdef DUMPING
    context_->traceEverOn(true);
    dump_.reset(new Dump);
    top_->trace(dump_.get(), 99);
    dump_->open(path);
    dump_from_ = from;
    dump_until_ = to;
#else
    (void)from, (void)to;
    std::fprintf(stderr, "%s: this model was built without tracing\n", path);
    std::exit(2);
#endif
  }

  // Frames that a reset cuts off at a random cycle.
  void resets(uint64_t count) {
    for (uint64_t i = 0; i < count && !stopped(); ++i) {
      begin("reset", random_.below(header_.images), header_.images);
      const uint64_t last = cycle_ + random_.below(2 * (header_.cycles + header_.beats) + 64);
      while (cycle_ < last && !stopped() && scored_ < limit_) step();
      ++resets_;
    }
  }

  // Frames started by the register. Before the first one comes a frame that breaks off with an early tlast,
  // which is dropped; the second one lacks its tlast and counts all the same.
  void manual() {
    const uint64_t images = std::min<uint64_t>(2, header_.images);
    begin("manual", 0, images);
    hold_input_ = true;
    access(kControl, true, 0);
    idle(4);
    hold_input_ = false;
    stop_input_at_ = 1;
    for (uint64_t i = 0; i < images && !stopped(); ++i) {
      drop_last_ = i == 1;
      break_ = i == 0 && header_.beats > 1;
      break_beat_ = random_.below(header_.beats - break_);
      const bool error = drop_last_ || break_;
      stop_input_at_ = i + 1;
      while (fed_ < i + 1 && !stopped()) step();
      engine_may_run_ = false;
      idle(60);
      check_register(kStatus, error ? 0xA : 0x2, "STATUS while a frame waits for START");
      if (error) {
        access(kStatus, true, 0x8);
        check_register(kStatus, 0x2, "STATUS after the frame error was cleared");
      }
      engine_may_run_ = true;
      access(kControl, true, 0x2);
      // A frame that runs keeps the number of planes with which it started.
      if (header_.all_planes > 1) access(kPlanes, true, header_.planes == 1 ? 255 : 0);
      while (scored_ < i + 1 && !stopped()) step();
      if (header_.all_planes > 1) access(kPlanes, true, static_cast<uint32_t>(header_.planes));
      engine_may_run_ = false;
      idle(60);
      engine_may_run_ = true;
      check_register(kFrames, i + 1, "FRAMES");
    }
    drop_last_ = false;
  }

  // Every frame, one after the other without a pause of the harness's own; then the registers.
  void stream() {
    // From here on the course does not depend on how many images there are: a run of fewer repeats it.
    random_ = Random(~seed_);
    begin("stream", 0, header_.images);
    poll_ = true;
    while (scored_ < limit_ && !stopped()) step();
    poll_ = false;
    while (lite_.busy() && !stopped()) step();
    idle(40 + random_.below(40));
    if (sums_.image != limit_ || bits_.image != limit_) {
      Mismatch m = at("count");
      m.note = "frames whose taps were all seen";
      m.layer = static_cast<int64_t>(std::min(sums_.layer, bits_.layer));
      m.expected = static_cast<int64_t>(limit_);
      m.actual = static_cast<int64_t>(std::min(sums_.image, bits_.image));
      report(m);
    }
    check_register(kId, 0x42434D31, "ID");
    check_register(kLayers, header_.layers, "LAYERS");
    check_register(kPlanes, header_.all_planes > 1 ? header_.planes : 0, "PLANES");
    check_register(kFrames, header_.images, "FRAMES");
    check_register(kStatus, 0, "STATUS when idle");
    check_register(kCycles, header_.cycles, "CYCLES");
    check_register(kSeed, header_.has_seed ? frame_seed(limit_) : 0, "SEED");
    for (uint64_t i = 0; i < header_.layers && !stopped(); ++i) {
      measured_[i] = check_register(kLayerCycles + 4 * static_cast<uint32_t>(i), vectors_.layers[i].cycles,
                                    "LAYER_CYCLES", static_cast<int64_t>(i));
    }
  }

  bool equal() const { return mismatches_ == 0; }

  void write_result(FILE* out, double seconds) const {
    std::fprintf(out, "{\"images\":%" PRIu64 ",\"first_image\":%" PRIu64 ",\"mismatches\":%" PRIu64,
                 header_.images, header_.first_image, mismatches_);
    std::fprintf(out, ",\"sums\":%" PRIu64 ",\"bits\":%" PRIu64 ",\"scores\":%" PRIu64, sums_seen_,
                 bits_seen_, scores_seen_);
    std::fprintf(out, ",\"register_reads\":%" PRIu64 ",\"resets\":%" PRIu64 ",\"cycles\":%" PRIu64,
                 reads_, resets_, cycle_);
    std::fprintf(out, ",\"interval\":%" PRIu64 ",\"seconds\":%.6f,\"layer_cycles\":[",
                 interval_ == ~0ull ? 0 : interval_, seconds);
    for (std::size_t i = 0; i < measured_.size(); ++i) {
      std::fprintf(out, "%s%" PRIu64, i ? "," : "", measured_[i]);
    }
    std::fprintf(out, "],\"first\":");
    if (mismatches_ == 0) {
      std::fprintf(out, "null}\n");
      return;
    }
    const Mismatch& m = first_;
    std::fprintf(out, "{\"kind\":\"%s\",\"phase\":\"%s\",\"note\":\"%s\",\"image\":%" PRId64
                      ",\"layer\":%" PRId64 ",\"group\":%" PRId64 ",\"lane\":%" PRId64 ",\"channel\":%" PRId64
                      ",\"row\":%" PRId64 ",\"column\":%" PRId64 ",\"cycle\":%" PRIu64
                      ",\"expected\":%" PRId64 ",\"actual\":%" PRId64 "}}\n",
                 m.kind.c_str(), m.phase.c_str(), m.note.c_str(), m.image, m.layer, m.group, m.lane,
                 m.channel, m.row, m.column, m.cycle, m.expected, m.actual);
  }

 private:
  // ------------------------------------------------------------------------------ AXI4-Lite master
  struct Lite {
    bool reading = false, writing = false;
    bool address_open = false, data_open = false;
    uint32_t address = 0, data = 0;
    uint64_t address_wait = 0, data_wait = 0;
    uint32_t result = 0;
    uint64_t scored_before = 0;
    bool busy() const { return reading || writing; }
  };

  const Vectors& vectors_;
  const Header& header_;
  const uint64_t seed_;
  Random random_;
  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vcosim_top> top_;
#ifdef DUMPING
  std::unique_ptr<Dump> dump_;
#endif
  uint64_t dump_from_ = 0, dump_until_ = 0;

  std::string phase_;
  uint64_t cycle_ = 0, last_progress_ = 0;
  uint64_t limit_ = 0;                    // frames of this phase end before this image
  uint64_t fed_ = 0, beat_ = 0;           // input: image and beat that come next
  uint64_t stop_input_at_ = ~0ull;        // input: no frame from this one on
  uint64_t break_beat_ = 0;               // input: the broken frame ends with this beat
  bool break_ = false, hold_input_ = false, drop_last_ = false, engine_may_run_ = true, poll_ = false;
  uint64_t scored_ = 0, score_ = 0;       // output: image and score that come next
  Cursor sums_, bits_;
  Pace in_pace_, out_pace_;
  bool held_ = false;                     // output offered and not taken in the cycle before
  uint64_t held_data_ = 0;
  bool held_last_ = false;
  Lite lite_;

  uint64_t mismatches_ = 0, sums_seen_ = 0, bits_seen_ = 0, scores_seen_ = 0, reads_ = 0, resets_ = 0;
  uint64_t last_start_ = 0, interval_ = ~0ull;
  std::vector<uint64_t> measured_;
  Mismatch first_;
  bool hung_ = false;

  bool stopped() const { return hung_ || mismatches_ >= kMostMismatches; }

  // Resets the accelerator in the middle of a clock period and points everything at image `from`.
  void begin(const char* phase, uint64_t from, uint64_t limit) {
    phase_ = phase;
    limit_ = limit;
    fed_ = scored_ = from;
    beat_ = score_ = 0;
    sums_ = bits_ = Cursor{from, 0, 0, 0, 0};
    skip_silent_layers(bits_);
    stop_input_at_ = ~0ull;
    break_ = hold_input_ = drop_last_ = poll_ = held_ = taken_ = false;
    engine_may_run_ = true;
    lite_ = Lite{};
    last_start_ = 0;
    in_pace_.choose(random_, header_.cycles);
    out_pace_.choose(random_, header_.cycles);
    Vcosim_top& t = *top_;
    t.s_axis_tvalid = t.s_axis_tlast = t.m_axis_tready = 0;
    t.s_axil_awvalid = t.s_axil_wvalid = t.s_axil_bready = t.s_axil_arvalid = t.s_axil_rready = 0;
    t.rst_ni = 0;
    const uint64_t length = 1 + random_.below(4);
    for (uint64_t i = 0; i < length; ++i) clock(false);
    t.rst_ni = 1;
    last_progress_ = cycle_;
    if (header_.all_planes > 1) {
      hold_input_ = true;
      access(kPlanes, true, static_cast<uint32_t>(header_.planes));
      hold_input_ = false;
    }
    if (!header_.has_seed) return;
    hold_input_ = true;
    access(kSeed, true, frame_seed(from));
    hold_input_ = false;
  }

  // What SEED holds when an image starts; `image` counts from the first of the file.
  uint32_t frame_seed(uint64_t image) const {
    return static_cast<uint32_t>(header_.seed + kFrameStep * (header_.first_image + image));
  }

  // One clock period; `watch` reads and compares what stands just before the rising edge.
  void clock(bool watch) {
    Vcosim_top& t = *top_;
    t.clk_i = 0;
    t.eval();
#ifdef DUMPING
    const bool dumped = dump_ && cycle_ >= dump_from_ && cycle_ <= dump_until_;
    if (dumped) dump_->dump(10 * cycle_);
#endif
    if (watch) sample();
    t.clk_i = 1;
    t.eval();
#ifdef DUMPING
    if (dumped) dump_->dump(10 * cycle_ + 5);
#endif
    ++cycle_;
  }

  void step() {
    drive();
    clock(true);
    if (cycle_ - last_progress_ > 8 * (header_.cycles + header_.beats) + 4096) {
      hung_ = true;
      Mismatch m = at("hang");
      const bool feeding = fed_ < limit_;
      m.image = image_name(std::min(sums_.image, limit_ - 1));
      m.layer = static_cast<int64_t>(std::min<uint64_t>(sums_.layer, header_.layers - 1));
      m.group = static_cast<int64_t>(sums_.group);
      m.note = feeding ? "nothing moved; frames are still to be sent" : "nothing moved; a result is missing";
      report(m);
    }
  }

  void idle(uint64_t cycles) {
    for (uint64_t i = 0; i < cycles && !stopped(); ++i) {
      last_progress_ = cycle_;
      step();
    }
  }

  // Sets the inputs of the coming cycle; what was taken in the last one moves on.
  void drive() {
    Vcosim_top& t = *top_;
    if (taken_) {
      taken_ = false;
      t.s_axis_tvalid = t.s_axis_tlast = 0;
      if (break_ && beat_ == break_beat_) {
        break_ = false;
        beat_ = 0;
      } else if (++beat_ == header_.beats) {
        beat_ = 0;
        ++fed_;
        in_pace_.choose(random_, header_.cycles);
      }
    }
    if (!t.s_axis_tvalid && !hold_input_ && fed_ < std::min(limit_, stop_input_at_) &&
        in_pace_.next(random_)) {
      put_bytes(t.s_axis_tdata, vectors_.beat(fed_, beat_), header_.beat_bytes);
      t.s_axis_tlast = (beat_ + 1 == header_.beats && !drop_last_) || (break_ && beat_ == break_beat_);
      t.s_axis_tvalid = 1;
    }
    t.m_axis_tready = out_pace_.next(random_);
    if (poll_ && !lite_.busy() && random_.once_in(16)) poll();
    drive_lite();
  }

  void drive_lite() {
    Vcosim_top& t = *top_;
    if (lite_.address_wait > 0) --lite_.address_wait;
    if (lite_.data_wait > 0) --lite_.data_wait;
    const bool address = lite_.address_open && lite_.address_wait == 0;
    t.s_axil_arvalid = lite_.reading && address;
    t.s_axil_awvalid = lite_.writing && address;
    t.s_axil_wvalid = lite_.writing && lite_.data_open && lite_.data_wait == 0;
    t.s_axil_araddr = t.s_axil_awaddr = lite_.address;
    t.s_axil_wdata = lite_.data;
    t.s_axil_wstrb = 0xF;
    t.s_axil_rready = lite_.reading && !random_.once_in(3);
    t.s_axil_bready = lite_.writing && !random_.once_in(3);
  }

  // Reads what stands just before the rising edge; changes no input.
  void sample() {
    Vcosim_top& t = *top_;
    taken_ = t.s_axis_tvalid && t.s_axis_tready;
    if (taken_) last_progress_ = cycle_;
    if (t.sum_valid_o) sample_sums();
    if (t.bit_valid_o) sample_bits();
    sample_scores();
    sample_lite();
  }

  void sample_sums() {
    last_progress_ = cycle_;
    if (unexpected(sums_, "sum")) return;
    if (sums_.offset == 0) {
      // The engine computes one frame after the other, so the least distance is its pace.
      if (last_start_ != 0) interval_ = std::min(interval_, cycle_ - last_start_);
      last_start_ = cycle_;
    }
    const Layer& layer = vectors_.layers[sums_.layer];
    const int32_t* expected = vectors_.sums(sums_.image) + sums_.offset;
    const unsigned width = static_cast<unsigned>(header_.sum_bits);
    const uint64_t lanes = used_lanes(layer, sums_.group);
    for (uint64_t lane = 0; lane < lanes; ++lane) {
      const uint64_t raw = bits_of(top_->sum_o, static_cast<unsigned>(lane) * width, width);
      const int64_t actual = header_.sum_signed ? sign_extended(raw, width) : static_cast<int64_t>(raw);
      if (actual != expected[lane]) report(at_tap("sum", sums_, layer, lane, expected[lane], actual));
    }
    sums_seen_ += lanes;
    advance(sums_, lanes, layer.sums);
    wrap(sums_);
  }

  void sample_bits() {
    last_progress_ = cycle_;
    if (unexpected(bits_, "bit")) return;
    const Layer& layer = vectors_.layers[bits_.layer];
    const uint8_t* expected = vectors_.bits(bits_.image) + bits_.offset;
    const uint64_t lanes = used_lanes(layer, bits_.group);
    for (uint64_t lane = 0; lane < lanes; ++lane) {
      const auto actual = static_cast<int64_t>(bits_of(top_->result_bits_o, static_cast<unsigned>(lane), 1));
      if (actual != expected[lane]) report(at_tap("bit", bits_, layer, lane, expected[lane], actual));
    }
    bits_seen_ += lanes;
    advance(bits_, lanes, layer.bits);
    skip_silent_layers(bits_);
  }

  void sample_scores() {
    Vcosim_top& t = *top_;
    const unsigned width = 8 * static_cast<unsigned>(header_.score_bytes);
    const uint64_t data = bits_of(t.m_axis_tdata, 0, width);
    if (held_ && (!t.m_axis_tvalid || data != held_data_ || bool(t.m_axis_tlast) != held_last_)) {
      Mismatch m = at("protocol");
      m.note = "a result was offered and changed before it was taken";
      report(m);
    }
    held_ = t.m_axis_tvalid && !t.m_axis_tready;
    held_data_ = data;
    held_last_ = t.m_axis_tlast;
    if (!t.m_axis_tvalid || !t.m_axis_tready) return;
    last_progress_ = cycle_;
    Mismatch m = at("score");
    if (scored_ >= limit_) {
      m.note = "a result after the last frame";
      report(m);
      return;
    }
    const Layer& last = vectors_.layers.back();
    const uint64_t columns = last.sum_pixels ? 1 : last.pooled_columns;
    m.image = image_name(scored_);
    m.layer = static_cast<int64_t>(header_.layers) - 1;
    m.channel = static_cast<int64_t>(score_ % last.channels);
    m.row = static_cast<int64_t>(score_ / last.channels / columns);
    m.column = static_cast<int64_t>(score_ / last.channels % columns);
    m.expected = vectors_.score(scored_, score_);
    m.actual = sign_extended(data, width);
    if (((m.actual ^ m.expected) & static_cast<int64_t>(~0ull >> (64 - width))) != 0) report(m);
    const bool is_last = score_ + 1 == header_.scores;
    if (bool(t.m_axis_tlast) != is_last) {
      m.kind = "tlast";
      m.expected = is_last;
      m.actual = t.m_axis_tlast;
      report(m);
    }
    ++scores_seen_;
    if (is_last) {
      score_ = 0;
      ++scored_;
      out_pace_.choose(random_, header_.cycles);
    } else {
      ++score_;
    }
  }

  // ------------------------------------------------------------------------------------- registers
  void open_lite(uint32_t address, bool write, uint32_t data) {
    lite_ = Lite{};
    lite_.reading = !write;
    lite_.writing = write;
    lite_.address_open = true;
    lite_.data_open = write;
    lite_.address = address;
    lite_.data = data;
    lite_.address_wait = 1 + random_.below(4);
    lite_.data_wait = 1 + random_.below(4);
    lite_.scored_before = scored_;
  }

  void sample_lite() {
    Vcosim_top& t = *top_;
    if (t.s_axil_arvalid && t.s_axil_arready) lite_.address_open = false;
    if (t.s_axil_awvalid && t.s_axil_awready) lite_.address_open = false;
    if (t.s_axil_wvalid && t.s_axil_wready) lite_.data_open = false;
    const bool read = t.s_axil_rvalid && t.s_axil_rready;
    const bool written = t.s_axil_bvalid && t.s_axil_bready;
    if (!read && !written) return;
    const bool early = lite_.address_open || lite_.data_open;
    const int64_t response = read ? t.s_axil_rresp : t.s_axil_bresp;
    if (early || response != 0) {
      Mismatch m = at("register");
      m.note = early ? "answered before it was asked" : "response is not OKAY";
      m.actual = response;
      report(m);
    }
    if (read) {
      lite_.result = t.s_axil_rdata;
      ++reads_;
      if (poll_) check_poll();
    }
    lite_.reading = lite_.writing = false;
  }

  // Picks a register to read while frames run.
  void poll() {
    static const uint32_t fixed[] = {kId, kControl, kStatus, kFrames, kCycles, kLayers};
    const uint32_t address = random_.once_in(2)
                                 ? fixed[random_.below(6)]
                                 : kLayerCycles + 4 * static_cast<uint32_t>(random_.below(header_.layers));
    open_lite(address, false, 0);
  }

  // Counters hold the last whole frame's cycles from the first frame on, whatever runs meanwhile.
  void check_poll() {
    const uint32_t address = lite_.address;
    const int64_t value = lite_.result;
    const bool known = lite_.scored_before > 0;
    if (address == kId) expect(value, 0x42434D31, "ID", -1);
    if (address == kControl) expect(value & 1, 1, "CONTROL", -1);
    if (address == kStatus) expect(value & ~7ll, 0, "STATUS", -1);
    if (address == kLayers) expect(value, static_cast<int64_t>(header_.layers), "LAYERS", -1);
    if (address == kCycles && known) expect(value, static_cast<int64_t>(header_.cycles), "CYCLES", -1);
    if (address == kFrames) {
      const auto low = static_cast<int64_t>(lite_.scored_before);
      const auto high = static_cast<int64_t>(fed_ + 1);
      expect(value, std::min(std::max(value, low), high), "FRAMES", -1);
    }
    if (address >= kLayerCycles && known) {
      const uint64_t layer = (address - kLayerCycles) / 4;
      expect(value, static_cast<int64_t>(vectors_.layers[layer].cycles), "LAYER_CYCLES",
             static_cast<int64_t>(layer));
    }
  }

  uint32_t access(uint32_t address, bool write, uint32_t data) {
    open_lite(address, write, data);
    while (lite_.busy() && !stopped()) step();
    return lite_.result;
  }

  uint64_t check_register(uint32_t address, uint64_t expected, const char* name, int64_t layer = -1) {
    if (stopped()) return 0;
    const uint32_t value = access(address, false, 0);
    expect(value, static_cast<int64_t>(expected), name, layer);
    return value;
  }

  void expect(int64_t actual, int64_t expected, const char* name, int64_t layer) {
    if (actual == expected) return;
    Mismatch m = at(layer >= 0 ? "cycles" : "register");
    m.note = name;
    m.layer = layer;
    m.expected = expected;
    m.actual = actual;
    report(m);
  }

  // ------------------------------------------------------------------------------------ book-keeping
  uint64_t used_lanes(const Layer& layer, uint64_t group) const {
    return std::min(header_.lanes, layer.channels - group * header_.lanes);
  }

  static int64_t sign_extended(uint64_t value, unsigned width) {
    return static_cast<int64_t>(value << (64 - width)) >> (64 - width);
  }

  int64_t image_name(uint64_t image) const { return static_cast<int64_t>(header_.first_image + image); }

  void advance(Cursor& cursor, uint64_t values, uint64_t events) {
    cursor.offset += values;
    if (++cursor.event < events) return;
    cursor.event = 0;
    if (++cursor.group < vectors_.layers[cursor.layer].groups) return;
    cursor.group = 0;
    ++cursor.layer;
  }

  void wrap(Cursor& cursor) {
    if (cursor.layer < header_.layers) return;
    cursor = Cursor{cursor.image + 1, 0, 0, 0, 0};
  }

  // Moves past layers that give scores instead of bits.
  void skip_silent_layers(Cursor& cursor) {
    if (header_.image_bits == 0) {
      cursor.image = limit_;
      return;
    }
    while (cursor.layer < header_.layers && vectors_.layers[cursor.layer].bits == 0) ++cursor.layer;
    if (cursor.layer < header_.layers) return;
    cursor = Cursor{cursor.image + 1, 0, 0, 0, 0};
    while (vectors_.layers[cursor.layer].bits == 0) ++cursor.layer;
  }

  bool unexpected(const Cursor& cursor, const char* kind) {
    if (engine_may_run_ && cursor.image < limit_) return false;
    Mismatch m = at(kind);
    m.note = engine_may_run_ ? "a value where none is due" : "the engine ran without START";
    report(m);
    return true;
  }

  Mismatch at(const char* kind) const {
    Mismatch m;
    m.kind = kind;
    m.phase = phase_;
    m.cycle = cycle_;
    return m;
  }

  Mismatch at_tap(const char* kind, const Cursor& cursor, const Layer& layer, uint64_t lane,
                  int64_t expected, int64_t actual) const {
    Mismatch m = at(kind);
    m.image = image_name(cursor.image);
    m.layer = static_cast<int64_t>(cursor.layer);
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

  void report(const Mismatch& mismatch) {
    if (mismatches_++ == 0) first_ = mismatch;
  }

  bool taken_ = false;
};

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: model VECTORS --seed S [--resets N] [--result FILE] [--dump FILE --from C --to C]\n");
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const char* file = nullptr;
  const char* result = nullptr;
  const char* dump = nullptr;
  uint64_t seed = 1, resets = 2, from = 0, to = ~0ull;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      file = argv[i];
      continue;
    }
    if (i + 1 == argc) usage();
    const char* value = argv[++i];
    if (word == "--seed") seed = std::strtoull(value, nullptr, 0);
    else if (word == "--resets") resets = std::strtoull(value, nullptr, 0);
    else if (word == "--result") result = value;
    else if (word == "--dump") dump = value;
    else if (word == "--from") from = std::strtoull(value, nullptr, 0);
    else if (word == "--to") to = std::strtoull(value, nullptr, 0);
    else usage();
  }
  if (file == nullptr) usage();

  const Vectors vectors(file);
  Harness harness(vectors, seed);
  if (dump != nullptr) harness.dump_to(dump, from, to);
  std::fprintf(stderr, "%" PRIu64 " images, seed %" PRIu64 "\n", vectors.header.images, seed);
  const auto start = std::chrono::steady_clock::now();
  if (resets > 0) {
    harness.resets(resets);
    harness.manual();
  }
  harness.stream();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;

  FILE* out = result == nullptr ? stdout : std::fopen(result, "w");
  if (out == nullptr) {
    std::fprintf(stderr, "%s cannot be written\n", result);
    return 2;
  }
  harness.write_result(out, spent.count());
  if (out != stdout) std::fclose(out);
  return harness.equal() ? 0 : 1;
}
