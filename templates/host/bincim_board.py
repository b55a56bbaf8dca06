# SPDX-License-Identifier: Apache-2.0
"""Driver of a board that runs this design, over its serial line; needs pyserial.
    board = Board("/dev/ttyUSB1")           # the rate and all sizes come from board.json beside this file
    board.write("PLANES", 1)                # where the design has the register
    for scores in board.infer(images):      # pixels 0 to 255, row by row, channel innermost
        print(board.decide(scores))
As a program: python bincim_board.py PORT IMAGES [PATIENCE], a file of whole images, prints class and scores of each.
"""
import json
import pathlib
import sys

import serial

FRAME, READ, WRITE, REFUSED = 1, 2, 3, 0
REGISTERS = {
    "ID": 0x000, "CONTROL": 0x004, "STATUS": 0x008, "FRAMES": 0x00C, "CYCLES": 0x010, "LAYERS": 0x014,
    "PLANES": 0x018, "SEED": 0x01C, "SAMPLES": 0x020, "MODE": 0x024, "LINK": 0x1000,
    "FRAME_BYTES": 0x1004, "RESULT_BYTES": 0x1008, "REFUSED": 0x100C, "SESSION": 0x1010,
}  # LAYER_CYCLES of layer n is at 0x100 + 4n

def check(data):
    """The check sequence of RFC 1662 over `data`, before it is inverted."""
    fcs = 0xFFFF
    for bit in range(8 * len(data)):
        fcs ^= data[bit // 8] if bit % 8 == 0 else 0
        fcs = fcs >> 1 ^ (0x8408 if fcs & 1 else 0)
    return fcs

def encode(content):
    """The bytes on the line that carry `content`."""
    data = content + (check(content) ^ 0xFFFF).to_bytes(2, "little")
    return b"\x7e" + data.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e") + b"\x7e"

class LineError(Exception):
    """No answer, another design, or a line that loses more than retries bring back."""

class Board:
    """A board on `port`; `rate` in bits a second, `patience` in seconds: how long an answer may take."""

    def __init__(self, port, rate=None, patience=1.0, tries=5):
        self.facts = json.loads((pathlib.Path(__file__).parent / "board.json").read_text())
        self.tries, self.tag, self.settings, self.buffer = tries, 0, {}, b""
        self.again = 0  # requests that were repeated
        self.port = serial.Serial(port, rate or self.facts["baud"], timeout=patience, exclusive=True)
        self.port.write(b"\x7e\x7e")
        sizes = [self.facts[part]["bytes"] for part in ("frame", "result")]
        wanted = {"LINK": int.from_bytes(b"BSL1", "big"), "FRAME_BYTES": sizes[0], "RESULT_BYTES": sizes[1]}
        for name, value in wanted.items() if self.facts["registers"] else ():
            if (there := self.read(name)) != value:
                raise LineError(f"the board holds another design: {name} is {there} and not {value}")
        self._restore()

    def read(self, register):
        """What a register holds; by name or address."""
        address = REGISTERS.get(register, register)
        return int.from_bytes(self._exchange(READ, address.to_bytes(2, "little")), "little")

    def write(self, register, value):
        """Writes a register, and again whenever the board may have been reset."""
        address = REGISTERS.get(register, register)
        self._write(address, value)
        self.settings[address] = value

    def infer(self, images):
        """The scores of every image, class after class; each image is a flat or nested sequence of pixels."""
        for image in images:
            frame = self._frame(image)
            while not (reply := self._exchange(FRAME, frame))[0] & 1:
                self._restore()  # the board has been reset since, and its registers are not as they were
            yield self._scores(reply[1:])

    def decide(self, scores, samples=None):
        """The class that the network's own rule makes of `scores`, sums of `samples` samples (those behind a reset)."""
        facts = self.facts["result"]
        samples = samples or facts["samples"]
        if lines := facts.get("correction"):
            each = zip(lines["multipliers"], scores, lines["offsets"])
            scores = [(multiplier * score + samples * offset + 128) >> 8 for multiplier, score, offset in each]
        values = [s * score / samples + b for s, score, b in zip(facts["scale"], scores, facts["bias"])]
        if facts["rule"] == "sign":
            return int(values[0] > 0 if facts["bits"] else values[0] >= 0)
        if facts["rule"] == "argmax":
            return values.index(max(values))
        hits = [score > 0 for score in scores] if facts["bits"] else [value >= 0 for value in values]
        return max((index for index, hit in enumerate(hits) if hit), default=0)

    def _frame(self, image):
        facts = self.facts["frame"]
        (channels, rows, columns), codes = facts["shape"], facts["codes"]
        pixels = bytes(image) if isinstance(image, (bytes, bytearray)) else bytes(_flat(image))
        if len(pixels) != channels * rows * columns:
            raise ValueError(f"an image has {len(pixels)} pixels, not {facts['shape']}")
        of = lambda i: (i % channels * rows * columns + i // channels) * len(codes) // len(pixels)
        values = [codes[of(i)][pixel] for i, pixel in enumerate(pixels)]
        values = [int(value > 0) if facts["bipolar"] else value & 0xFF for value in values]
        frame = bytearray(facts["bytes"])
        for index, value in enumerate(values):
            beat, place = divmod(index, facts["elements"])
            bit = place * facts["element_bits"]
            frame[beat * facts["beat_bytes"] + bit // 8] |= value << bit % 8
        return bytes(frame)

    def _scores(self, data):
        facts = self.facts["result"]
        size, classes = facts["score_bytes"], len(data) // facts["score_bytes"] // facts["pixels"]
        scores = [int.from_bytes(data[i:i + size], "little", signed=True) for i in range(0, len(data), size)]
        scores = [1 if score else -1 for score in scores] if facts["bits"] else scores
        return [score for start in range(classes) for score in scores[start::classes]]

    def _write(self, address, value):
        self._exchange(WRITE, address.to_bytes(2, "little") + value.to_bytes(4, "little"))

    def _restore(self):
        for address, value in self.settings.items():
            self._write(address, value)
        if self.facts["registers"]:
            self._write(REGISTERS["SESSION"], 1)

    def _exchange(self, kind, body):
        if kind != FRAME and not self.facts["registers"]:
            raise LineError("this board's line carries frames alone: it does not reach the registers")
        for attempt in range(self.tries):
            self.again += attempt > 0
            self.tag = (self.tag + 1) % 256
            self.port.write(encode(bytes([kind, self.tag]) + body))
            while (reply := self._packet()) is not None:
                if reply[:2] == bytes([kind | 0x80, self.tag]):
                    return reply[2:]
                if reply[0] == REFUSED | 0x80:
                    break
        raise LineError(f"no answer in {self.tries} tries: is the board programmed, is {self.port.baudrate} its rate?")

    def _packet(self):
        while True:
            while b"\x7e" not in self.buffer:
                if not (more := self.port.read(max(1, self.port.in_waiting))):
                    return None
                self.buffer += more
            packet, _, self.buffer = self.buffer.partition(b"\x7e")
            content = packet.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
            if len(content) >= 4 and check(content) == 0xF0B8:
                return content[:-2]

def _flat(image):
    for part in image:
        yield from _flat(part) if hasattr(part, "__iter__") else (int(part),)

if __name__ == "__main__":
    board = Board(sys.argv[1], patience=float(sys.argv[3]) if len(sys.argv) > 3 else 1.0)
    size = board.facts["frame"]["shape"]
    data, step = pathlib.Path(sys.argv[2]).read_bytes(), size[0] * size[1] * size[2]
    for scores in board.infer(data[i:i + step] for i in range(0, len(data) // step * step, step)):
        print(board.decide(scores), *scores)
