// What a run met, how often: the list of situations that are sought, and their counts.

#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

#include "vectors.h"

// Name, what is printed, and where a design can show it (in terms of the header `h`).
#define BINCIM_SITUATIONS(X) \
  X(EarlyIdle, "early tlast, engine idle", h.beats > 1) \
  X(EarlyRunning, "early tlast, engine running", h.beats > 1) \
  X(EarlySecond, "early tlast, a frame waiting", h.beats > 1 && h.input_frames > 1) \
  X(LateIdle, "late tlast, engine idle", h.beats > 1) \
  X(LateRunning, "late tlast, engine running", h.beats > 1) \
  X(LateSecond, "late tlast, a frame waiting", h.beats > 1 && h.input_frames > 1) \
  X(MissingIdle, "missing tlast, engine idle", true) \
  X(MissingRunning, "missing tlast, engine running", true) \
  X(MissingSecond, "missing tlast, a frame waiting", h.input_frames > 1) \
  X(ErrorCleared, "frame error cleared", true) \
  X(ErrorClearedAndSet, "frame error cleared as another comes", true) \
  X(InputFull, "input full", true) \
  X(ResultsFull, "a frame waits for room for its results", true) \
  X(WaitsForStart, "a frame waits for START", true) \
  X(StartEarly, "START before its frame", true) \
  X(StartOnStart, "START written as a frame starts", true) \
  X(StartOnDone, "START written as a frame ends", true) \
  X(StartBesideAuto, "START beside AUTO", true) \
  X(EnteredOnReleased, "a frame complete as another leaves the input", h.input_frames > 1) \
  X(ReadOnWritten, "scores complete as others leave", true) \
  X(ReadOnStarted, "a frame starts as another's scores leave", true) \
  X(PlanesChanged, "PLANES differs from the frame before", h.all_planes > 1 && h.most_planes == 0) \
  X(PlanesOnStart, "PLANES written as a frame starts", h.all_planes > 1 && h.most_planes == 0) \
  X(PlanesBeyond, "PLANES written with more than there are", h.all_planes > 1) \
  X(PlanesZero, "PLANES written with 0", h.all_planes > 1) \
  X(PlanesKept, "PLANES written without its lowest byte", h.all_planes > 1) \
  X(SeedWritten, "SEED written between frames", h.has_seed) \
  X(SeedOnStart, "SEED written as a frame starts", h.has_seed) \
  X(SeedGrown, "SEED grown from the frame before", h.has_seed) \
  X(SamplesChanged, "SAMPLES differs from the frame before", h.all_samples > 1) \
  X(SamplesOnStart, "SAMPLES written as a frame starts", h.all_samples > 1) \
  X(SamplesBeyond, "SAMPLES written with more than there are", h.all_samples != 0) \
  X(SamplesZero, "SAMPLES written with 0", h.all_samples != 0) \
  X(SamplesKept, "SAMPLES written without its lowest byte", h.all_samples != 0) \
  X(ModeOnStart, "MODE written as a frame starts", h.all_samples != 0) \
  X(FlipsOff, "frames without flips", h.all_samples != 0) \
  X(SeedKept, "SEED the same as of the frame before", h.all_samples != 0) \
  X(LoadAtWork, "a program while a frame runs", h.program_beats > 0) \
  X(LoadForeign, "a program of another machine", h.program_beats > 0) \
  X(LoadNowhere, "a program for no memory", h.program_beats > 0) \
  X(LoadChecksum, "a program with a wrong CRC", h.program_beats > 0) \
  X(LoadCutShort, "a program that is cut short", h.program_beats > 0) \
  X(LoadOnScores, "a program while scores wait alone", h.program_beats > 0) \
  X(LoadWritten, "a program through the registers", h.program_beats > 0) \
  X(LoadErrorCleared, "load error cleared", h.program_beats > 0) \
  X(LoadErrorClearedAndSet, "load error cleared as another comes", h.program_beats > 0) \
  X(StrobesAll, "writes of four bytes", true) \
  X(StrobesSome, "writes of some bytes", true) \
  X(StrobesNone, "writes of no byte", true) \
  X(WriteReadOnly, "writes to what is read only", true) \
  X(WriteOutside, "writes outside the map", true) \
  X(ReadOutside, "reads outside the map", true) \
  X(AddressFirst, "write address before its data", true) \
  X(DataFirst, "write data before its address", true) \
  X(WritesBackToBack, "writes back to back", true) \
  X(ReadsBackToBack, "reads back to back", true) \
  X(ReadWithWrite, "read and write in one cycle", true) \
  X(ReadFramesOnDone, "FRAMES read as it changes", true) \
  X(ReadCyclesOnDone, "CYCLES read as a frame ends", true) \
  X(ReadLayersOnDone, "LAYER_CYCLES read as a frame ends", true) \
  X(ReadStatusOnChange, "STATUS read as it changes", true) \
  X(ResetRunning, "reset of a running frame", true) \
  X(ResetInput, "reset inside a frame that enters", h.beats > 1) \
  X(ResetAccess, "reset inside a register access", true) \
  X(FramesLeast, "frames of the least values", true) \
  X(FramesMost, "frames of the most values", true) \
  X(FramesSparse, "frames of sparse values", true) \
  X(FramesExtremes, "frames of the two ends", true) \
  X(FiveFrames, "five frames behind one reset", true)

enum Situation {
#define X(name, text, applies) name,
  BINCIM_SITUATIONS(X)
#undef X
  kSituations
};

class Coverage {
 public:
  explicit Coverage(const Header& h) : counts_(kSituations, 0), applies_{
#define X(name, text, applies) static_cast<bool>(applies),
    BINCIM_SITUATIONS(X)
#undef X
  } {}

  void met(Situation situation) { ++counts_[situation]; }
  void met(Situation situation, bool condition) { counts_[situation] += condition; }

  // An array of [situation, count], without those that this design cannot show.
  void write(FILE* out) const {
    static const char* const texts[] = {
#define X(name, text, applies) text,
      BINCIM_SITUATIONS(X)
#undef X
    };
    const char* comma = "";
    std::fprintf(out, "[");
    for (int i = 0; i < kSituations; ++i) {
      if (!applies_[i]) continue;
      std::fprintf(out, "%s[\"%s\",%llu]", comma, texts[i], static_cast<unsigned long long>(counts_[i]));
      comma = ",";
    }
    std::fprintf(out, "]");
  }

 private:
  std::vector<uint64_t> counts_;
  std::vector<bool> applies_;
};
