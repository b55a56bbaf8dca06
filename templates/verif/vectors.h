// The vector file that the co-simulation reads: stimuli and everything the accelerator must show.
// Layout: src/emit/vectors.rs, which writes it.

#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
  uint64_t sum_pixels, cycles;
};

// The file's fields, in its order; see src/emit/vectors.rs, which writes it.
struct Header {
  uint64_t magic, version, images, first_image, layers, lanes, sum_bits, sum_signed, beats, beat_bytes,
      scores, score_bytes, input_frames, cycles, image_sums, image_bits, planes, all_planes, has_seed, seed;
  uint64_t at_layers, at_names, at_beats, at_sums, at_bits, at_scores, length;
};

class Vectors {
 public:
  Header header{};
  std::vector<Layer> layers;

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
    if (header.magic != 0x45434152544D4342ull || header.version != 3) {
      fail(path, "is not a vector file of version 3");
    }
    if (header.length != length) fail(path, "is cut short");
    const char* name = reinterpret_cast<const char*>(base_ + header.at_names);
    for (uint64_t i = 0; i < header.layers; ++i) {
      uint64_t field[12];
      std::memcpy(field, base_ + header.at_layers + i * sizeof field, sizeof field);
      layers.push_back({name, field[0], field[1], field[2], field[3], field[4], field[5], field[6],
                        field[7], field[8], field[9], field[10], field[11]});
      name += std::strlen(name) + 1;
    }
  }

  const uint8_t* beat(uint64_t image, uint64_t index) const {
    return base_ + header.at_beats + (image * header.beats + index) * header.beat_bytes;
  }
  const int32_t* sums(uint64_t image) const {
    return reinterpret_cast<const int32_t*>(base_ + header.at_sums) + image * header.image_sums;
  }
  const uint8_t* bits(uint64_t image) const { return base_ + header.at_bits + image * header.image_bits; }
  int64_t score(uint64_t image, uint64_t index) const {
    return reinterpret_cast<const int64_t*>(base_ + header.at_scores)[image * header.scores + index];
  }

 private:
  const uint8_t* base_ = nullptr;

  [[noreturn]] static void fail(const char* path, const char* what) {
    std::fprintf(stderr, "%s %s\n", path, what);
    std::exit(2);
  }
};
