// The memories that a program fills, in order; none where the network is fixed.

#pragma once

#include <cstdint>
#include <vector>

struct Memory {
  uint64_t words;
  uint64_t beats;  // of a word
};

inline const std::vector<Memory> kMemories = {
    //%- for memory in memories %//
    {<: memory.0 :>, <: memory.1 :>},
    //%- endfor %//
};
