#!/usr/bin/env python3
"""What weights that are drawn buy, beside a point network of equal training and a temperature fitted to either.

    study.py train --data MNIST --out build/bayes [--seeds 1,2,3]   all networks of each seed
    study.py run   --data MNIST --out build/bayes                   classifies with up to 32 samples; writes bayes.csv here

Networks of the first 55,000 training images (mnist.toml) and of the first 2,000 (few.toml). A temperature is fitted on the
last 5,000 training images, which none of them has seen.
Needs target/release/bincim, or the program that BINCIM names. A training that was interrupted goes on where it stopped.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("BINCIM", HERE.parent.parent / "target" / "release" / "bincim")
# Training file and options of each size; the stages of each kind.
SIZES = {"many": ("mnist.toml", ["--images", 55000]), "few": ("few.toml", ["--images", 2000])}
KINDS = {"point": None, "drawn": None, "binn": None, "two": "binn"}
SAMPLES = 32
FIGURES = ["right", "nll", "ece", "brier"]


def recipe(out, size, kind):
    """The training file of a kind of network: that of drawn weights with another table [bayes], or without one."""
    text = (HERE / SIZES[size][0]).read_text()
    plain = text[:text.index("[bayes]")]
    path = out / f"{size}-{kind}.toml"
    path.write_text({"point": plain, "binn": plain + '[bayes]\nrule = "bayesbinn"\n'}.get(kind, text))
    return path


def train(data, out, seeds):
    for seed in seeds:
        for size, (_, options) in SIZES.items():
            for kind, start in KINDS.items():
                model = out / f"{size}-{kind}-{seed}.onnx"
                if model.exists():
                    continue
                words = ["train", recipe(out, size, kind), "--data", data, "--seed", seed, "--latent", "-o", model]
                words += options
                if start:
                    words += ["--start", out / f"{size}-{start}-{seed}.onnx"]
                if model.with_suffix(".checkpoint").exists():
                    words.append("--resume")
                subprocess.run([PROGRAM, *map(str, words)], check=True)


def run(data, out):
    arch = out / "arch.toml"
    arch.write_text((HERE / "ecp5-45.toml").read_text().replace("samples = 8", f"samples = {SAMPLES}"))
    rows = []
    for model in sorted(out.glob("*.onnx")):
        size, kind, seed = model.stem.split("-")
        words = ["infer", model, "--data", data, "--metrics", "--temperature", "fit", "--json"]
        if kind != "point":
            words += ["--arch", arch, "--samples", SAMPLES]
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)["metrics"]
        ensemble, forms = found.get("ensemble", []), ("scores", "probabilities")
        each = [(one["samples"], form, 1, one[form]) for one in ensemble for form in forms]
        if not each:
            each.append((1, "scores", 1, found["plain"]))
        each.append((each[-1][0], "scores", found["temperature"], found["tempered"]))
        for samples, form, temperature, figures in each:
            row = [size, kind, seed, samples, form, f"{temperature:.3g}"]
            rows.append(row + [f"{figures[name]:.5f}" for name in FIGURES])
            print(*rows[-1], flush=True)
    with open(HERE / "bayes.csv", "w", newline="") as file:
        heads = ["images", "kind", "seed", "samples", "averaged", "temperature", *FIGURES]
        csv.writer(file, lineterminator="\n").writerows([heads, *rows])


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
