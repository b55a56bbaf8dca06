#!/usr/bin/env python3
"""Networks trained with and without drawn chips, on chips that neither has met.

    study.py train --mnist MNIST --cifar CIFAR10 --out build/prcim    clean networks, then one a strength
    study.py run   --mnist MNIST --cifar CIFAR10 --out build/prcim    20 chips x 1,000 images each; writes prcim.csv here
    study.py run ... --recalibrate 500    thresholds found anew for each chip on so many training images; recalibrated.csv

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
STRENGTHS = ["weak", "medium", "strong"]


def train(sets, out):
    out.mkdir(parents=True, exist_ok=True)
    for name, data in sets.items():
        clean = out / f"{name}.onnx"
        runs = [(clean, HERE / f"{name}.toml", [])]
        before = clean
        for strength in STRENGTHS:
            model = out / f"{name}-{strength}.onnx"
            runs.append((model, HERE / f"{name}-{strength}.toml", ["--start", before]))
            # CIFAR-10 goes from strength to strength.
            before = model if name == "cifar" else clean
        for model, recipe, start in runs:
            if model.exists():
                continue
            words = ["train", recipe, "--data", data, *start, "-o", model]
            words += ["--latent"] if model == clean or name == "cifar" else []
            words += ["--resume"] if model.with_suffix(".checkpoint").exists() else []
            subprocess.run([PROGRAM, *map(str, words)], check=True)


def run(sets, out, recalibrate):
    rows = []
    for name, data in sets.items():
        for strength in STRENGTHS:
            for trained, model in (("clean", f"{name}.onnx"), ("on chips", f"{name}-{strength}.onnx")):
                if not (out / model).exists():
                    print(f"{model} is not trained yet")
                    continue
                words = ["vary", out / model, "--arch", HERE / f"{strength}.toml", "--data", data, "--chips", 20]
                words += ["--images", 1000, "--seed", 1, "--json"]
                words += ["--recalibrate", recalibrate] if recalibrate else []
                done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True)
                found = json.loads(done.stdout)
                keys = ["accuracy_mean", "accuracy_std", "accuracy_min", "accuracy_low", "accuracy_high"]
                row = {"data": name, "strength": strength, "trained": trained}
                row |= {key: round(100 * found[key], 2) for key in keys}
                rows.append(row)
                print(row)
    with open(HERE / ("recalibrated.csv" if recalibrate else "prcim.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "run"])
    parser.add_argument("--mnist", type=pathlib.Path)
    parser.add_argument("--cifar", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/prcim"))
    parser.add_argument("--recalibrate", type=int)
    words = parser.parse_args()
    given = {"mnist": words.mnist, "cifar": words.cifar}
    given = {name: path for name, path in given.items() if path}
    if words.what == "train":
        train(given, words.out)
    else:
        run(given, words.out, words.recalibrate)
