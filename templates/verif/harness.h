// The course of a run: phases from reset to reset, the cycle in which everything is driven, predicted and
// compared, and the result.

#pragma once

#include <verilated.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vcosim_top.h"
#include "coverage.h"
#include "engine.h"
#include "program.h"
#include "registers.h"
#include "report.h"
#include "streams.h"
#include "taps.h"
#include "traffic.h"
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

// The accelerator, which keeps what it holds from one vector file to the next.
struct Device {
  VerilatedContext context;
  Vcosim_top top{&context};

  ~Device() { top.final(); }
};

class Harness {
 public:
  Harness(const Vectors& vectors, uint64_t seed, Device& device)
      : vectors_(vectors), header_(vectors.header), seed_(seed ^ (vectors.header.first_image << 20)),
        random_(seed_), context_(&device.context), top_(&device.top), engine_(vectors),
        registers_(vectors), taps_(vectors, log_), images_(vectors), results_(vectors), traffic_(vectors), programs_(vectors),
        coverage_(vectors.header), measured_(vectors.layers.size(), 0) {}

  ~Harness() {
#ifdef DUMPING
    if (dump_) dump_->close();
#endif
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

  // Frames that a reset cuts off at a random cycle; more where frames are short.
  void resets(uint64_t count) {
    count *= std::clamp<uint64_t>(kShortFrame / (vectors_.cycles + header_.beats), 1, 8);
    for (uint64_t i = 0; i < count && !log_.stopped(); ++i) {
      begin("reset", {random_.below(header_.records), header_.records, header_.records}, {3, 6, random_.once_in(2)}, 4);
      const uint64_t last = log_.cycle + random_.below(2 * (vectors_.cycles + header_.beats) + 64);
      while (log_.cycle < last && !log_.stopped() && taps_.scored() < course_.frames) step();
      coverage_.met(ResetRunning, engine_.busy());
      coverage_.met(ResetInput, images_.inside());
      coverage_.met(ResetAccess, traffic_.master().busy(registers_));
      ++resets_;
    }
  }

  // A few frames amid all that can be done to the registers and the streams; some are started by the register.
  void control() {
    const uint64_t frames =
        vectors_.cycles > kLongFrame ? 3 : std::min<uint64_t>(std::max<uint64_t>(4000 / vectors_.cycles, 8), 24);
    begin("control", {0, frames, header_.records}, {2, 4, true}, 3);
    finish();
  }

  // Every frame, one after the other without a pause of the harness's own.
  void stream() {
    // From here on the course does not depend on what ran before.
    random_ = Random(~seed_);
    begin("stream", {0, header_.records, header_.records}, {16, 64, false}, 12);
    finish();
  }

  // Every frame, behind a program that follows another one without a reset; nobody touches the registers.
  void switched() {
    random_ = Random(~seed_ + 1);
    quiet_ = true;
    start("switched", {0, header_.records, header_.records}, {1, 1, false}, 12);
    write_control();
    loaded_ = true;
    load();
    finish();
    quiet_ = false;
  }

  bool equal() const { return log_.mismatches() == 0; }

  void write_result(FILE* out, double seconds) const {
    const uint64_t interval = taps_.interval == ~0ull ? 0 : taps_.interval;
    std::fprintf(out, "{\"images\":%" PRIu64 ",\"first_image\":%" PRIu64 ",\"synthetic\":%" PRIu64
                      ",\"mismatches\":%" PRIu64,
                 header_.images, header_.first_image, header_.records - header_.images, log_.mismatches());
    std::fprintf(out, ",\"sums\":%" PRIu64 ",\"bits\":%" PRIu64 ",\"scores\":%" PRIu64, taps_.sums_seen,
                 taps_.bits_seen, taps_.scores_seen);
    std::fprintf(out, ",\"register_reads\":%" PRIu64 ",\"register_writes\":%" PRIu64 ",\"resets\":%" PRIu64
                      ",\"cycles\":%" PRIu64,
                 reads_, writes_, resets_, log_.cycle);
    std::fprintf(out, ",\"interval\":%" PRIu64 ",\"seconds\":%.6f,\"layer_cycles\":[", interval, seconds);
    for (std::size_t i = 0; i < measured_.size(); ++i) {
      std::fprintf(out, "%s%" PRIu64, i ? "," : "", measured_[i]);
    }
    std::fprintf(out, "],\"frame_cycles\":%" PRIu64 ",\"coverage\":", frame_cycles_);
    coverage_.write(out);
    std::fprintf(out, ",\"first\":");
    log_.write_first(out);
    std::fprintf(out, "}\n");
  }

 private:
  // Beats of a program that are written, where some are.
  static constexpr std::size_t kWritten = 64;
  // Frames of more cycles are few outside the stream, which is to stay the bulk of a run.
  static constexpr uint64_t kLongFrame = 20000;
  // Frames of fewer cycles are cut off so many times as often as they are shorter.
  static constexpr uint64_t kShortFrame = 8000;

  const Vectors& vectors_;
  const Header& header_;
  const uint64_t seed_;
  Random random_;
  VerilatedContext* const context_;
  Vcosim_top* const top_;
#ifdef DUMPING
  std::unique_ptr<Dump> dump_;
#endif
  uint64_t dump_from_ = 0, dump_until_ = 0;

  Log log_;
  Engine engine_;
  Registers registers_;
  Taps taps_;
  ImageStream images_;
  ResultStream results_;
  Traffic traffic_;
  Programs programs_;
  Program refused_;          // a program that is sent while frames run
  std::size_t refused_beat_ = 0;
  bool ending_ = false;      // no further one
  bool quiet_ = false;       // nothing but images goes in
  bool loaded_ = false;      // the accelerator has a program
  Coverage coverage_;
  Course course_;
  LiteInputs lite_;
  Events events_, before_;  // of the present cycle and of the last one
  uint64_t scored_ = 0;     // frames scored before the present cycle
  uint64_t reads_ = 0, writes_ = 0, resets_ = 0;
  bool answered_ = false, acknowledged_ = false;  // a read, a write ended in the cycle before
  std::vector<uint64_t> measured_;
  uint64_t frame_cycles_ = 0;

  // Resets the accelerator in the middle of a clock period, loads it, and points everything at a course.
  void begin(const char* phase, const Course& course, const Profile& profile, uint64_t rarity) {
    Vcosim_top& t = *top_;
    t.s_axis_tvalid = t.s_axis_tlast = t.m_axis_tready = t.s_axis_program_tvalid = 0;
    t.s_axil_awvalid = t.s_axil_wvalid = t.s_axil_bready = t.s_axil_arvalid = t.s_axil_rready = 0;
    loaded_ = false;
    t.rst_ni = 0;
    for (uint64_t length = 1 + random_.below(4); length > 0; --length) {
      clock(false);
      if (t.m_axis_tvalid || t.s_axil_bvalid || t.s_axil_rvalid) {
        log_.report(log_.at("protocol", "an output is valid in reset"));
      }
    }
    t.rst_ni = 1;
    start(phase, course, profile, rarity);
    load();
  }

  // Points everything at a course, as behind a reset.
  void start(const char* phase, const Course& course, const Profile& profile, uint64_t rarity) {
    log_.phase = phase;
    course_ = course;
    events_ = before_ = Events{};
    answered_ = acknowledged_ = false;
    refused_ = Program{};
    refused_beat_ = 0;
    ending_ = false;
    engine_.reset(course);
    registers_.reset();
    taps_.begin(course);
    images_.begin(course, rarity, random_);
    results_.begin(course, random_);
    traffic_.begin(course, profile, random_);
    log_.last_progress = log_.cycle;
    scored_ = 0;
  }

  // Loads the file's program, behind some that are refused; the engine begins with the coming cycle.
  void load() {
    if (!programs_.there()) return;
    for (uint64_t left = programs_.tries(random_); left > 0; --left) {
      const Program broken = programs_.broken(random_);
      send(broken.beats);
      if (broken.cause != kForeign) loaded_ = false;
      log_.equal(read_register(kLoad), broken.cause, "register", "LOAD behind a program that is refused");
      log_.equal(read_register(kStatus) & 0x30, 0x20 | loaded_ << 4, "register", "STATUS behind a program that is refused");
      registers_.refused_before(broken.cause);
      coverage_.met(static_cast<Situation>(LoadAtWork + broken.cause - kAtWork), true);
    }
    send(programs_.good());
    log_.equal(top_->s_axis_tready, 0, "protocol", "s_axis_tready before the engine has its program");
    clock(false);
    loaded_ = true;
    log_.last_progress = log_.cycle;
  }

  // Sends a program while nothing else goes on.
  void send(const std::vector<uint32_t>& beats) {
    Vcosim_top& t = *top_;
    const uint64_t gaps = 1 + random_.below(8);
    const bool written = random_.once_in(2);
    for (std::size_t i = 0; i < beats.size(); ++i) {
      const bool last = i + 1 == beats.size();
      t.s_axis_program_tvalid = 0;
      while (random_.below(8) >= gaps) clock(false);
      // A long program takes the stream, behind its first beats.
      if (written && i < kWritten) {
        write_register(last ? kProgramLast : kProgram, beats[i]);
        continue;
      }
      put_program(beats[i], last);
      clock(false);
    }
    t.s_axis_program_tvalid = 0;
    coverage_.met(LoadWritten, written);
  }

  // A write while nothing else goes on; it ends with the answer.
  void write_register(uint32_t address, uint32_t data) {
    Vcosim_top& t = *top_;
    t.s_axil_arvalid = 0;
    t.s_axil_rready = t.s_axil_bready = 1;
    for (int wait = 0; wait < 4 && (t.s_axil_bvalid || t.s_axil_rvalid); ++wait) clock(false);
    t.s_axil_awaddr = address;
    t.s_axil_wdata = data;
    t.s_axil_wstrb = 0xF;
    t.s_axil_awvalid = t.s_axil_wvalid = 1;
    clock(false);
    t.s_axil_awvalid = t.s_axil_wvalid = 0;
  }

  void put_program(uint32_t beat, bool last) {
    top_->s_axis_program_tvalid = 1;
    top_->s_axis_program_tdata = beat;
    top_->s_axis_program_tlast = last;
  }

  // What a register holds while nothing else goes on.
  uint32_t read_register(uint32_t address) {
    Vcosim_top& t = *top_;
    t.s_axil_awvalid = t.s_axil_wvalid = t.s_axil_rready = 0;
    t.s_axil_araddr = address;
    t.s_axil_arvalid = 1;
    clock(false);
    t.s_axil_arvalid = 0;
    for (int wait = 0; wait < 8 && !t.s_axil_rvalid; ++wait) clock(false);
    log_.equal(t.s_axil_rvalid, 1, "register", "s_axil_rvalid");
    const uint32_t data = t.s_axil_rdata;
    t.s_axil_rready = 1;
    clock(false);
    t.s_axil_rready = 0;
    return data;
  }

  // Frames start by themselves, whatever the phase before left in the register.
  void write_control() {
    top_->s_axis_tvalid = top_->m_axis_tready = 0;
    write_register(kControl, 1);
    clock(false);
  }

  // A program would not be refused.
  bool idle() const {
    return !engine_.busy() && !engine_.frame_waiting() && !engine_.scores_waiting() && !engine_.output_valid();
  }

  // Sends programs while the engine is at work: they are refused, and nothing else changes.
  void drive_program() {
    top_->s_axis_program_tvalid = 0;
    if (!programs_.there() || quiet_) return;
    if (refused_beat_ == refused_.beats.size()) {
      if (ending_ || idle() || !random_.once_in(64)) return;
      refused_ = programs_.short_one();
      refused_beat_ = 0;
    }
    // The second beat decides; one that waits for the engine ends with the phase, as of another machine.
    if (refused_beat_ == 1 && idle()) {
      if (!ending_) return;
      refused_ = Program{{refused_.beats[0], ~refused_.beats[1]}, kForeign};
    }
    put_program(refused_.beats[refused_beat_], refused_beat_ + 1 == refused_.beats.size());
    if (++refused_beat_ != 2) return;
    registers_.refuse(refused_.cause);
    coverage_.met(LoadAtWork, refused_.cause == kAtWork);
    coverage_.met(LoadOnScores, refused_.cause == kAtWork && !engine_.busy() && !engine_.frame_waiting());
  }

  // Runs to the last result of the course, lets everything come to rest and reads all registers.
  void finish() {
    while (taps_.scored() < course_.frames && !log_.stopped()) step();
    traffic_.end();
    for (uint64_t rest = 40 + random_.below(40); rest > 0 && !log_.stopped(); --rest) {
      log_.last_progress = log_.cycle;
      step();
    }
    if (log_.stopped()) return;
    taps_.complete();
    if (quiet_) return;
    ending_ = true;
    traffic_.sweep(random_);
    while (!traffic_.idle(registers_) && !log_.stopped()) step();
  }

  // One clock period; `watch` reads and compares what stands just before the rising edge.
  void clock(bool watch) {
    Vcosim_top& t = *top_;
    t.clk_i = 0;
    t.eval();
#ifdef DUMPING
    const bool dumped = dump_ && log_.cycle >= dump_from_ && log_.cycle <= dump_until_;
    if (dumped) dump_->dump(10 * log_.cycle);
#endif
    if (watch) compare();
    t.clk_i = 1;
    t.eval();
#ifdef DUMPING
    if (dumped) dump_->dump(10 * log_.cycle + 5);
#endif
    ++log_.cycle;
  }

  void step() {
    drive();
    clock(true);
    advance();
    if (log_.cycle - log_.last_progress > 8 * (vectors_.cycles + header_.beats) + 4096) {
      log_.hung = true;
      log_.report(taps_.hang(images_.all_sent() ? "nothing moved; a result is missing"
                                                : "nothing moved; frames are still to be sent"));
    }
  }

  // Sets the inputs of the coming cycle; the engine's events follow from them.
  void drive() {
    Vcosim_top& t = *top_;
    images_.drive(t, engine_, quiet_ || traffic_.may_end(images_.sent(), engine_, registers_), random_);
    events_ = engine_.look(t.s_axis_tvalid, t.s_axis_tlast, false, registers_.wanted());
    results_.drive(t, engine_, events_, random_);
    events_ = engine_.look(t.s_axis_tvalid, t.s_axis_tlast, t.m_axis_tready, registers_.wanted());
    lite_ = quiet_ ? LiteInputs{} : traffic_.drive(engine_, registers_, events_, random_);
    drive_program();
    t.s_axil_awvalid = lite_.awvalid;
    t.s_axil_wvalid = lite_.wvalid;
    t.s_axil_bready = lite_.bready;
    t.s_axil_arvalid = lite_.arvalid;
    t.s_axil_rready = lite_.rready;
    t.s_axil_awaddr = lite_.awaddr;
    t.s_axil_wdata = lite_.wdata;
    t.s_axil_wstrb = lite_.wstrb;
    t.s_axil_araddr = lite_.araddr;
  }

  // Compares every output with its prediction; changes no input.
  void compare() {
    const Vcosim_top& t = *top_;
    log_.equal(t.s_axis_tready, engine_.input_ready(), "protocol", "s_axis_tready");
    log_.equal(t.m_axis_tvalid, engine_.output_valid(), "protocol", "m_axis_tvalid");
    const bool write = registers_.written(lite_);
    log_.equal(t.s_axil_awready, write, "register", "s_axil_awready");
    log_.equal(t.s_axil_wready, write, "register", "s_axil_wready");
    log_.equal(t.s_axil_bvalid, registers_.bvalid(), "register", "s_axil_bvalid");
    log_.equal(t.s_axil_arready, registers_.arready(), "register", "s_axil_arready");
    log_.equal(t.s_axil_rvalid, registers_.rvalid(), "register", "s_axil_rvalid");
    if (registers_.bvalid()) log_.equal(t.s_axil_bresp, 0, "register", "s_axil_bresp");
    if (registers_.rvalid()) {
      log_.equal(t.s_axil_rresp, 0, "register", "s_axil_rresp");
      const uint32_t word = registers_.reading();
      const bool layer = word >= kLayerCycles && registers_.has(word);
      log_.equal(t.s_axil_rdata, registers_.rdata(), layer ? "cycles" : "register", registers_.name(word),
                 layer ? (word - kLayerCycles) / 4 : -1);
      if (lite_.rready && whole()) {
        if (layer) measured_[(word - kLayerCycles) / 4] = t.s_axil_rdata;
        if (word == kCycles) frame_cycles_ = t.s_axil_rdata;
      }
    }
    taps_.sample(t, engine_, events_);
  }

  // The counters show a frame with all planes that run, and all samples.
  bool whole() const {
    const Record* shown = registers_.shown();
    const uint64_t planes = header_.most_planes == 0 ? header_.all_planes : header_.most_planes;
    const uint64_t samples = std::max<uint64_t>(header_.all_samples, 1);
    return shown != nullptr && shown->planes == planes && shown->samples == samples;
  }

  // Behind the rising edge: the models do what the accelerator did.
  void advance() {
    if (events_.taken) log_.last_progress = log_.cycle;
    observe();
    const uint64_t scored = taps_.scored();
    if (!quiet_) traffic_.clock(lite_, registers_);
    registers_.clock(lite_, engine_, events_);
    engine_.clock(events_, top_->m_axis_tready);
    if (events_.taken) images_.taken(random_);
    if (scored != scored_) results_.choose(random_);
    scored_ = scored;
    // Registers are read again behind what may have changed them.
    if (!quiet_ && (events_.error || events_.done) && random_.once_in(6)) traffic_.sweep(random_);
    before_ = events_;
  }

  // Counts what is met in this cycle.
  void observe() {
    const Events& e = events_;
    if (e.error) {
      const int state = engine_.frame_waiting() ? 2 : engine_.busy() ? 1 : 0;
      const auto fault = images_.fault();
      const int first = fault == ImageStream::Fault::Early ? EarlyIdle
                        : fault == ImageStream::Fault::Late ? LateIdle : MissingIdle;
      coverage_.met(static_cast<Situation>(first + state));
    }
    coverage_.met(InputFull, engine_.input_full());
    coverage_.met(ResultsFull, !engine_.has_room() && !engine_.busy() && engine_.frame_waiting());
    coverage_.met(WaitsForStart, engine_.frame_waiting() && !registers_.wanted() && !engine_.busy());
    coverage_.met(EnteredOnReleased, e.entered && e.released);
    coverage_.met(ReadOnWritten, e.read && e.written);
    coverage_.met(ReadOnStarted, e.read && e.started);
    if (e.started) observe_start();
    if (registers_.captures()) observe_read();
    const bool read = lite_.arvalid && registers_.arready();
    if (registers_.written(lite_)) {
      ++writes_;
      coverage_.met(WritesBackToBack, acknowledged_);
      coverage_.met(ReadWithWrite, read);
      observe_write();
    } else if (!registers_.bvalid()) {
      coverage_.met(AddressFirst, lite_.awvalid);
      coverage_.met(DataFirst, lite_.wvalid);
    }
    coverage_.met(ReadsBackToBack, read && answered_);
    answered_ = registers_.rvalid() && lite_.rready;
    acknowledged_ = registers_.bvalid() && lite_.bready;
    reads_ += answered_;
  }

  void observe_start() {
    const Record& next = vectors_.records[course_.at(engine_.started())];
    const Record* last = engine_.running();
    static constexpr Situation kinds[] = {kSituations, FramesLeast, FramesMost, FramesSparse, FramesExtremes};
    if (next.kind != kUser) coverage_.met(kinds[next.kind]);
    coverage_.met(FiveFrames, engine_.started() == 4);
    if (header_.all_planes > 1) log_.equal(registers_.planes(), next.planes, "harness", "PLANES of a frame");
    if (header_.has_seed) log_.equal(registers_.seed(), next.seed, "harness", "SEED of a frame");
    if (header_.all_samples != 0) {
      log_.equal(registers_.samples(), next.samples, "harness", "SAMPLES of a frame");
      log_.equal(registers_.mode(), next.mode, "harness", "MODE of a frame");
      coverage_.met(FlipsOff, next.mode & kNoFlips);
    }
    if (last == nullptr || engine_.started() == 0) return;
    coverage_.met(PlanesChanged, last->planes != next.planes);
    const bool grown = next.seed == static_cast<uint32_t>(last->seed + 0x9E3779B9u);
    coverage_.met(SamplesChanged, last->samples != next.samples);
    coverage_.met(SeedKept, next.seed == last->seed);
    coverage_.met(SeedGrown, header_.has_seed && grown);
    coverage_.met(SeedWritten, header_.has_seed && !grown);
  }

  void observe_read() {
    const uint32_t word = registers_.reading();
    const bool change = events_.done || before_.done;
    coverage_.met(ReadOutside, !registers_.has(word));
    coverage_.met(ReadFramesOnDone, word == kFrames && change);
    coverage_.met(ReadCyclesOnDone, word == kCycles && change);
    coverage_.met(ReadLayersOnDone, word >= kLayerCycles && registers_.has(word) && change);
    coverage_.met(ReadStatusOnChange, word == kStatus && (change || events_.started || events_.entered ||
                                                          events_.released || events_.error || events_.read));
  }

  void observe_write() {
    const uint32_t word = lite_.awaddr & 0xFFC;
    const bool low = lite_.wstrb & 1;
    const uint32_t written = Registers::merged(0, lite_);
    coverage_.met(lite_.wstrb == 0xF ? StrobesAll : lite_.wstrb == 0 ? StrobesNone : StrobesSome);
    const bool writable = word == kControl || word == kStatus || (word >= kPlanes && word <= kMode);
    coverage_.met(WriteReadOnly, registers_.has(word) && !writable);
    coverage_.met(WriteOutside, !registers_.has(word));
    if (!registers_.has(word)) return;
    if (word == kStatus && low && (lite_.wdata & 8)) {
      coverage_.met(ErrorCleared, registers_.error());
      coverage_.met(ErrorClearedAndSet, events_.error);
    }
    if (word == kStatus && low && (lite_.wdata & 32)) {
      coverage_.met(LoadErrorCleared, registers_.load_error());
      coverage_.met(LoadErrorClearedAndSet, registers_.load_refused());
    }
    if (word == kControl && low && (lite_.wdata & 2)) {
      coverage_.met(StartOnStart, events_.started);
      coverage_.met(StartOnDone, events_.done);
      coverage_.met(StartEarly, !engine_.frame_waiting());
      coverage_.met(StartBesideAuto, lite_.wdata & 1);
    }
    if (word == kPlanes) {
      coverage_.met(PlanesOnStart, events_.started);
      coverage_.met(PlanesBeyond, written > header_.all_planes);
      coverage_.met(PlanesZero, low && written == 0);
      coverage_.met(PlanesKept, !low && lite_.wstrb != 0 && written == 0);
    }
    if (word == kSeed) coverage_.met(SeedOnStart, events_.started);
    if (word == kSamples) {
      coverage_.met(SamplesOnStart, events_.started);
      coverage_.met(SamplesBeyond, written > header_.all_samples);
      coverage_.met(SamplesZero, low && written == 0);
      coverage_.met(SamplesKept, !low && lite_.wstrb != 0 && written == 0);
    }
    if (word == kMode) coverage_.met(ModeOnStart, events_.started);
  }
};
