// The vector file that the co-simulation reads: stimuli and everything the accelerator must show.
// Layout: src/emit/vectors.rs, which writes it.

#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

struct Layer {
  std::string name;
  uint64_t groups, sums, bits, channels;
  uint64_t window_rows, window_columns, pooled_rows, pooled_columns, stride_rows, stride_columns;
  uint64_t sum_pixels;
};

// One frame: the image that it carries or follows, what kind it is, and what it runs with.
struct Record {
  uint64_t image, kind, planes, seed, samples, mode;
  std::vector<uint64_t> cycles;  // of each run of a layer
  uint64_t total;                // of all of them
};

// Bits of the register MODE: no weight is turned round; frames leave SEED as it is.
constexpr uint64_t kNoFlips = 1, kSameSeed = 2;

// Kinds of frames: the user's images, then those that the run adds.
constexpr uint64_t kUser = 0, kLeast = 1, kMost = 2, kSparse = 3, kExtremes = 4;

// The file's fields, in its order; see src/emit/vectors.rs, which writes it.
struct Header {
  uint64_t magic, version, records, images, first_image, layers, lanes, sum_bits, sum_signed, beats, beat_bytes,
      scores, score_bytes, last_scores, input_frames, record_sums, record_bits, all_planes, most_planes,
      has_seed, first_tile, slots, all_samples, first_drawn, map_bits, program_beats;
  uint64_t at_layers, at_names, at_slots, at_intervals, at_records, at_beats, at_sums, at_bits, at_scores, at_program,
      length;
};

class Vectors {
 public:
  Header header{};
  std::vector<Layer> layers;
  std::vector<Record> records;
  std::vector<uint64_t> intervals;  // least cycles from frame to frame, by planes - 1 or samples - 1
  uint64_t cycles = 0;              // most of a frame
  uint64_t quickest = ~0ull;        // least of `intervals`

  explicit Vectors(const char* path) {
    const int file = open(path, O_RDONLY);
    struct stat about {};
    if (file < 0 || fstat(file, &about) != 0) fail(path, "cannot be read");
    const auto length = static_cast<uint64_t>(about.st_size);
    if (length < sizeof(Header)) fail(path, "is too short for a vector file");
    void* data = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) fail(path, "cannot be mapped");
    close(file);
    base_ = static_cast<const uint8_t*>(data);
    std::memcpy(&header, base_, sizeof header);
    if (header.magic != 0x45434152544D4342ull || header.version != 7) {
      fail(path, "is not a vector file of version 7");
    }
    if (header.length != length) fail(path, "is cut short");
    const char* name = reinterpret_cast<const char*>(base_ + header.at_names);
    for (uint64_t i = 0; i < header.layers; ++i) {
      uint64_t field[11];
      std::memcpy(field, base_ + header.at_layers + i * sizeof field, sizeof field);
      layers.push_back({name, field[0], field[1], field[2], field[3], field[4], field[5], field[6],
                        field[7], field[8], field[9], field[10]});
      name += std::strlen(name) + 1;
    }
    const auto* interval = reinterpret_cast<const uint64_t*>(base_ + header.at_intervals);
    intervals.assign(interval, interval + std::max(header.all_planes, header.all_samples));
    for (const uint64_t cycles_of : intervals) quickest = std::min(quickest, cycles_of);
    const auto* field = reinterpret_cast<const uint64_t*>(base_ + header.at_records);
    const uint64_t runs = runs_of(std::max<uint64_t>(header.all_samples, 1));
    for (uint64_t i = 0; i < header.records; ++i, field += 6 + runs) {
      Record record{field[0], field[1], field[2], field[3], field[4], field[5], {field + 6, field + 6 + runs}, 0};
      record.cycles.resize(runs_of(record.samples));
      for (const uint64_t cycles_of : record.cycles) record.total += cycles_of;
      cycles = std::max(cycles, record.total);
      records.push_back(std::move(record));
    }
  }

  // Layers run one after the other, those from the first drawn one on once a sample.
  uint64_t runs_of(uint64_t samples) const { return header.layers + (samples - 1) * drawn_layers(); }
  uint64_t layer_of(uint64_t run) const {
    return run < header.layers ? run : header.first_drawn + (run - header.first_drawn) % drawn_layers();
  }
  // Which sample a run belongs to; that of layers before the first drawn one is 0.
  uint64_t sample_of(uint64_t run) const {
    return run < header.layers ? 0 : (run - header.first_drawn) / drawn_layers();
  }
  // The last run of a layer in a frame.
  uint64_t last_run(const Record& record, uint64_t layer) const {
    return layer < header.first_drawn ? layer : layer + (record.samples - 1) * drawn_layers();
  }
  uint64_t interval(const Record& record) const {
    return intervals[(header.all_samples != 0 ? record.samples : record.planes) - 1];
  }

  const uint8_t* beat(uint64_t record, uint64_t index) const {
    return base_ + header.at_beats + (record * header.beats + index) * header.beat_bytes;
  }
  // Steps of the input unit through one frame: true where it takes a beat, false where it adds padding.
  bool slot(uint64_t index) const { return base_[header.at_slots + index] != 0; }
  const int32_t* sums(uint64_t record) const {
    return reinterpret_cast<const int32_t*>(base_ + header.at_sums) + record * header.record_sums;
  }
  const uint8_t* bits(uint64_t record) const {
    return base_ + header.at_bits + record * header.record_bits;
  }
  int64_t score(uint64_t record, uint64_t index) const {
    return reinterpret_cast<const int64_t*>(base_ + header.at_scores)[record * header.scores + index];
  }
  // The beats of the network's program, where it is loaded.
  const uint32_t* program() const { return reinterpret_cast<const uint32_t*>(base_ + header.at_program); }

 private:
  const uint8_t* base_ = nullptr;

  uint64_t drawn_layers() const { return header.layers - header.first_drawn; }

  [[noreturn]] static void fail(const char* path, const char* what) {
    std::fprintf(stderr, "%s %s\n", path, what);
    std::exit(2);
  }
};

// Which frames a phase carries, in order: frame k carries one of the file's records.
struct Course {
  uint64_t from = 0, frames = 0, records = 1;
  uint64_t at(uint64_t k) const { return (from + k) % records; }
};
