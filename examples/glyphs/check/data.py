"""Reads a folder that `bincim glyphs` made."""

from pathlib import Path

import numpy as np


def read_idx(path):
    """The bytes of an idx file as an array with the file's own shape."""
    raw = Path(path).read_bytes()
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: not an idx file of unsigned bytes")
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", rank, 4).astype(int)
    body = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if body.size != shape.prod():
        raise SystemExit(f"{path}: holds {body.size} bytes, its header promises {shape.prod()}")
    return body.reshape(shape)


def read_folder(folder):
    """Images uint8 (count, side, side) and labels int64 (count)."""
    folder = Path(folder)
    images = read_idx(folder / "images-idx3-ubyte")
    labels = read_idx(folder / "labels-idx1-ubyte").astype(np.int64)
    if len(images) != len(labels):
        raise SystemExit(f"{folder}: {len(images)} images but {len(labels)} labels")
    return images, labels


def to_input(images):
    """Grey values 0..255 to float32 (count, side, side, 1), (p - 128) / 128: what the file's first nodes do."""
    return ((images.astype(np.float32) - 128) / 128)[..., None]
