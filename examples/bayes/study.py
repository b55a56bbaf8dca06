#!/usr/bin/env python3
"""What weights that are drawn buy, beside a point network of equal training and a temperature fitted to either.

    study.py train --data MNIST --out build/bayes [--seeds 1,2,3]   all networks of each seed
    study.py run   --data MNIST --out build/bayes                   classifies with up to 32 samples; writes bayes.csv here

Networks of all 60,000 training images and of the first 2,000 of them. A temperature is fitted on training images from
50,000 on, which networks of few images have not seen; those of all images have.
Needs target/release/bincim, or the program that BINCIM names. A training that was interrupted goes on where it stopped.
"""

import argparse
import csv
import gzip
import json
import os
import pathlib
import re
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("BINCIM", HERE.parent.parent / "target" / "release" / "bincim")
FEW, FIT_FROM, FIT = 2000, 50000, 5000
SAMPLES = 32


def bincim(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True).stdout


def idx(data, name):
    """Header and content of a file of MNIST."""
    path = data / name
    raw = path.read_bytes() if path.exists() else gzip.open(data / (name + ".gz")).read()
    sizes = raw[3]
    return struct.unpack(f">{sizes}I", raw[4:4 + 4 * sizes]), raw[4 + 4 * sizes:]


def part(data, out, begin, count):
    """A folder with `count` training images from `begin` on."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        shape, raw = idx(data, name)
        size = len(raw) // shape[0]
        head = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", count, *shape[1:])
        (out / name).write_bytes(head + raw[begin * size:(begin + count) * size])


def recipes(out):
    """Name, training file, network that it starts from."""
    made = []
    for of, base in (("all", "mnist.toml"), ("few", "few.toml")):
        text = (HERE / base).read_text()
        plain = text[:text.index("[bayes]")]
        binn = plain + '[bayes]\nrule = "bayesbinn"\n'
        for kind, content, start in (("point", plain, None), ("drawn", text, None), ("binn", binn, None),
                                     ("two", text, "binn")):
            path = out / f"{of}-{kind}.toml"
            path.write_text(content)
            made.append((of, kind, path, start))
    return made


def train(data, out, seeds):
    part(data, out / "few", 0, FEW)
    part(data, out / "fit", FIT_FROM, FIT)
    for seed in seeds:
        for of, kind, recipe, start in recipes(out):
            model = out / f"{of}-{kind}-{seed}.onnx"
            if model.exists():
                continue
            source = out / "few" if of == "few" else data
            words = ["train", recipe, "--data", source, "--test", data, "--seed", seed, "--latent", "-o", model]
            if start:
                words += ["--start", out / f"{of}-{start}-{seed}.onnx"]
            if model.with_suffix(".checkpoint").exists():
                words.append("--resume")
            subprocess.run([PROGRAM, *map(str, words)], check=True)


def run(data, out):
    arch = out / "arch.toml"
    arch.write_text((HERE / "ecp5-45.toml").read_text().replace("samples = 8", f"samples = {SAMPLES}"))
    rows = []
    for model in sorted(out.glob("*.onnx")):
        of, kind, seed = re.fullmatch(r"(\w+)-(\w+)-(\d+)", model.stem).groups()
        common = ["infer", model, "--data", data, "--metrics", "--temperature", "fit", "--fit-data", out / "fit", "--json"]
        runs = [("", [])] if kind == "point" else [("", ["--arch", arch, "--samples", SAMPLES]), ("mode", ["--mode"])]
        for named, words in runs:
            found = json.loads(bincim(*common, *words))
            rows.append((of, kind, seed, named, json.dumps(found["metrics"])))
            print(of, kind, seed, named, found["metrics"], flush=True)
    with open(HERE / "bayes.csv", "w", newline="") as file:
        csv.writer(file).writerows([("images", "kind", "seed", "run", "metrics"), *rows])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "run"])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bayes"))
    parser.add_argument("--seeds", default="1")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.what == "train":
        train(args.data, args.out, [int(seed) for seed in args.seeds.split(",")])
    else:
        run(args.data, args.out)
