// A board on a serial port: the Verilated wrapper behind a pseudo-terminal, bit by bit.
//
//   model CLOCK_HZ [--lose-in N] [--lose-out N] [--reset-at N]
//
// Prints the port's path, then runs until its standard input ends. The line has the rate that the program at the other
// end has set on the port, so a wrong one garbles as it would. Byte N of those that come in or go out (from 1) is lost;
// at byte N of those that come in the reset button is pressed. Options may be repeated.

#include <asm/termbits.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <set>
#include <string>

#include "Vboard.h"
#include "verilated.h"

namespace {

// The reset button, of a board that has one.
template <class Board>
auto button(Board& board, bool up, int) -> decltype(board.rst_ni, void()) {
  board.rst_ni = up;
}
template <class Board>
void button(Board&, bool, long) {}

// One end of the wire that speaks in bit times of `period` cycles.
struct Wire {
  double period = 208;

  // To the board: the level in cycle `now`; true once the byte has been sent.
  std::deque<uint8_t> waiting;
  bool sending = false;
  double began = 0;

  bool level(double now) {
    if (!sending) {
      if (waiting.empty()) return true;
      sending = true;
      began = now;
    }
    const int bit = static_cast<int>((now - began) / period);
    if (bit >= 10) {
      sending = false;
      waiting.pop_front();
      return true;
    }
    return bit == 0 ? false : bit == 9 ? true : (waiting.front() >> (bit - 1)) & 1;
  }

  // From the board: samples in the middle of bits; true with a whole byte in `byte`.
  bool receiving = false;
  bool last = true;
  double next = 0;
  int bits = 0;
  uint8_t byte = 0;

  bool take(bool line, double now) {
    const bool fell = last && !line;
    last = line;
    if (!receiving) {
      if (fell) {
        receiving = true;
        bits = 0;
        next = now + 1.5 * period;
      }
      return false;
    }
    if (now < next) return false;
    next += period;
    if (bits < 8) {
      byte = static_cast<uint8_t>(byte >> 1 | (line ? 0x80 : 0));
      ++bits;
      return false;
    }
    receiving = false;
    return true;
  }
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const double clock_hz = argc > 1 ? std::strtod(argv[1], nullptr) : 0;
  std::set<uint64_t> lose_in, lose_out, reset_at;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    const uint64_t number = std::strtoull(argv[i + 1], nullptr, 0);
    if (word == "--lose-in") lose_in.insert(number);
    else if (word == "--lose-out") lose_out.insert(number);
    else if (word == "--reset-at") reset_at.insert(number);
  }

  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) fail("pseudo-terminal");
  // Held open, so that the port stays when programs come and go, and raw from the start.
  const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  struct termios2 settings;
  if (slave < 0 || ioctl(slave, TCGETS2, &settings) != 0) fail("port");
  settings.c_lflag = 0;
  settings.c_iflag = 0;
  settings.c_oflag = 0;
  if (ioctl(slave, TCSETS2, &settings) != 0) fail("port");
  std::printf("%s\n", ptsname(master));
  std::fflush(stdout);

  VerilatedContext context;
  Vboard board(&context);
  Wire wire;
  uint64_t came = 0, went = 0, pressed = 0;
  double quiet_since = 0;
  button(board, true, 0);
  for (uint64_t cycle = 0;; ++cycle) {
    const double now = static_cast<double>(cycle);
    if (cycle % 64 == 0 && wire.waiting.empty()) {
      // Nothing to do: wait for the host instead of burning time.
      const bool idle = cycle > 4096 && now - quiet_since > 500000;
      struct pollfd events[2] = {{master, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
      if (cycle % 4096 == 0 || idle) {
        poll(events, 2, idle ? 20 : 0);
        if (events[1].revents != 0) return 0;
        if (ioctl(slave, TCGETS2, &settings) == 0 && settings.c_ospeed > 0) {
          wire.period = clock_hz / settings.c_ospeed;
        }
      }
      uint8_t bytes[256];
      const ssize_t count = read(master, bytes, sizeof bytes);
      if (count > 0 && ioctl(slave, TCGETS2, &settings) == 0 && settings.c_ospeed > 0) {
        wire.period = clock_hz / settings.c_ospeed;
      }
      for (ssize_t i = 0; i < count; ++i) {
        ++came;
        if (reset_at.count(came) != 0) pressed = cycle + 200;
        if (lose_in.count(came) == 0) wire.waiting.push_back(bytes[i]);
      }
      if (count > 0) quiet_since = now;
    }
    button(board, cycle >= pressed, 0);
    board.uart_rx_i = wire.level(now);
    board.clk_i = 0;
    board.eval();
    board.clk_i = 1;
    board.eval();
    if (wire.take(board.uart_tx_o, now)) {
      ++went;
      quiet_since = now;
      if (lose_out.count(went) == 0 && write(master, &wire.byte, 1) != 1) fail("port");
    }
  }
}
