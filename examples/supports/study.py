#!/usr/bin/env python3
"""Supports of a binary MLP: accuracy against cycles, for every number of planes.

    study.py train --data MNIST --out build/supports [--seeds 1,2]   all networks of each seed
    study.py run   --data MNIST --out build/supports                 classifies, asks for cycles; writes supports.csv here
    study.py volts --data MNIST --out build/supports                 mismatch of threshold voltages; writes threshold.csv
    study.py plot                                                    needs matplotlib; writes supports.svg here

Needs target/release/bincim, or the program that BINCIM names. A training that was interrupted goes on where it stopped.
"""

import argparse
import csv
import json
import os
import pathlib
import re
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("BINCIM", HERE.parent.parent / "target" / "release" / "bincim")
KINDS = ["base", "any", "frozen", "dropped", "passes", "joint"]
ON_A_BASE = ["any", "frozen", "dropped", "passes"]
# Numbers of planes that each network's thresholds are for.
SERVING = {"base": [1], "any": [1, 2, 3], "frozen": [3], "dropped": [3], "passes": [3], "joint": [2]}
LABELS = {
    "base": "binary",
    "any": "supports on the frozen base, any number of planes",
    "frozen": "supports on the frozen base",
    "dropped": "55 % of them left out",
    "passes": "55 % of their passes left out",
    "joint": "learnt together",
}


def bincim(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def train(data, out, seeds):
    out.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for kind in KINDS:
            model = out / f"{kind}{seed}.onnx"
            if model.exists():
                continue
            words = ["train", HERE / f"{kind}.toml", "--data", data, "--seed", seed, "--latent", "-o", model]
            if kind in ON_A_BASE:
                words += ["--start", out / f"base{seed}.onnx"]
            if model.with_suffix(".checkpoint").exists():
                words.append("--resume")
            subprocess.run([PROGRAM, *map(str, words)], check=True)


def run(data, out):
    rows = []
    for model in sorted(out.glob("*.onnx")):
        kind, seed = re.fullmatch(r"([a-z]+)(\d+)", model.stem).groups()
        record = json.loads(model.with_suffix(".train.json").read_text())
        checked = bincim("check", model, "--arch", HERE / "arch.toml", "--json")
        numbers = list(enumerate(checked["plane_cycles"] or [checked["cycles"]], start=1))
        for number, cycles in (numbers[planes - 1] for planes in SERVING[kind]):
            planes = ["--planes", number] if len(checked["plane_cycles"]) > 1 else []
            found = bincim("infer", model, "--data", data, *planes, "--json")
            rows.append({
                "network": kind,
                "seed": seed,
                "planes": number,
                "cycles": cycles,
                "wrong_percent": round(100 * (1 - found["accuracy"]), 2),
                "supports": record.get("supports", 0),
                "left_out": record.get("supports_left_out", 0),
            })
            print(rows[-1])
    with open(HERE / "supports.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def volts(data, out):
    """Chips whose threshold voltages differ by 20 to 60 mV (one standard deviation), seed 1's networks."""
    rows = []
    for kind in KINDS:
        model = out / f"{kind}1.onnx"
        if not model.exists():
            print(f"{model} is not trained yet")
            continue
        for planes in SERVING[kind]:
            words = ["vary", model, "--arch", HERE / "threshold.toml", "--data", data, "--chips", 4, "--images", 1000]
            words += ["--sweep", "variation.threshold.a_vt=5,10,15", "--json"]
            words += [] if kind == "base" else ["--planes", planes]
            for point in (p for p in bincim(*words)["points"] if p["value"] is not None):
                rows.append({
                    "network": kind,
                    "planes": planes,
                    "sigma_mV": float(point["value"]) / 0.25,
                    "accuracy_mean": round(100 * point["accuracy_mean"], 2),
                    "accuracy_std": round(100 * point["accuracy_std"], 2),
                })
                print(rows[-1])
    with open(HERE / "threshold.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def plot():
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "bincim"
    points = {}
    for row in csv.DictReader(open(HERE / "supports.csv")):
        points.setdefault((row["network"], int(row["planes"])), []).append(row)
    figure, axes = plt.subplots(figsize=(6.4, 4))
    for kind, marker in zip(KINDS, "oxsDPv"):
        ends = sorted((n, rows) for (k, n), rows in points.items() if k == kind)
        xs = [statistics.mean(int(row["cycles"]) for row in rows) for _, rows in ends]
        wrong = [[float(row["wrong_percent"]) for row in rows] for _, rows in ends]
        ys = [statistics.mean(of_point) for of_point in wrong]
        spread = [statistics.stdev(of_point) if len(of_point) > 1 else 0 for of_point in wrong]
        axes.errorbar(xs, ys, spread, marker=marker, linestyle="-", capsize=3, label=LABELS[kind])
    axes.set_xlabel("cycles a frame, array of 64 x 64")
    axes.set_ylabel("wrong, % of the 10,000 test images")
    axes.set_ylim(bottom=0)
    axes.legend()
    figure.tight_layout()
    figure.savefig(HERE / "supports.svg", metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "run", "volts", "plot"])
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/supports"))
    parser.add_argument("--seeds", default="1,2")
    words = parser.parse_args()
    if words.what == "train":
        train(words.data, words.out, [int(seed) for seed in words.seeds.split(",")])
    elif words.what == "run":
        run(words.data, words.out)
    elif words.what == "volts":
        volts(words.data, words.out)
    else:
        plot()
