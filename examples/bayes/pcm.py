#!/usr/bin/env python3
"""Networks whose weights are drawn on chips of phase-change memory: right classes, likelihood and calibration with the age.

    pcm.py run --data MNIST MODEL...   20 chips of each network, of several ages and planes of noise; writes pcm.csv here
    pcm.py temper --data MNIST MODEL...   5 chips, new and a year old, at the temperature that fits the chip without errors;
                                       writes tempered.csv here
    pcm.py plot                        needs matplotlib; writes pcm.svg here

Each age without more, with one gain a layer (drift.compensate), with a line a class of the scores (--correct, found on 1,000
training images), and with both. Needs target/release/bincim, or the program that BINCIM names.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("BINCIM", HERE.parent.parent / "target" / "release" / "bincim")
CHIPS, TEMPERED, CORRECTED = 20, 5, 1000
AGES = {"new": 0.0, "1 hour": 3600.0, "1 day": 86400.0, "1 month": 2592000.0, "1 year": 31536000.0}
# Other planes of noise, on new chips and old ones with both remedies.
PLANES = {
    "noise 1.3 uS": "draws.noise = 0.052",
    "noise 6 uS": "draws.noise = 0.24",
    "noise pairs differ by 1.49 uS": "draws.noise = 0.12\ndraws.mismatch = 0.06",
}
FIGURES = ["right", "nll", "ece"]
HEADS = ["network", "plane", "gain", "line", "age", *(f"{name}{what}" for name in FIGURES for what in ["", "_std", "_ideal"])]


def vary(data, model, plane, gain, line, ages):
    """A row for each of the ages."""
    text = (HERE / "pcm.toml").read_text()
    text = text.replace("draws.noise = 0.12", PLANES.get(plane, "draws.noise = 0.12"))
    if gain:
        text += "drift.compensate = true\n"
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as arch:
        arch.write(text)
        arch.flush()
        words = ["vary", model, "--arch", arch.name, "--data", data, "--chips", CHIPS, "--json"]
        words += ["--sweep", "variation.drift.time=" + ",".join(str(AGES[age]) for age in ages)]
        if line:
            words += ["--correct", CORRECTED]
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True)
    points = [point for point in json.loads(done.stdout)["points"] if point["group"] == "sweep"]
    for age, point in zip(ages, points, strict=True):
        right = [point["accuracy_mean"], point["accuracy_std"], point["accuracy_ideal"]]
        others = [point["probabilities"][name] for name in FIGURES[1:]]
        each = right + [one[key] for one in others for key in ["mean", "std", "ideal"]]
        row = [model.stem, plane, int(gain), int(line), age, *(f"{value:.5f}" for value in each)]
        print(*row, sep=", ", flush=True)
        yield row


def run(data, models):
    rows = []
    for model in models:
        for gain in [False, True]:
            for line in [False, True]:
                rows += vary(data, model, "noise 3 uS", gain, line, list(AGES))
        for plane in PLANES:
            for both in [False, True]:
                rows += vary(data, model, plane, both, both, ["new", "1 year"])
    with open(HERE / "pcm.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADS, *rows])


def temper(data, models):
    rows = []
    for model in models:
        arch = HERE / "pcm.toml"
        judge = ["infer", model, "--arch", arch, "--data", data, "--metrics", "--json", "--temperature"]

        def judged(temperature, *more):
            done = subprocess.run([PROGRAM, *map(str, judge), str(temperature), *more], capture_output=True, text=True, check=True)
            return json.loads(done.stdout)["metrics"]

        found = judged("fit")
        temperature = found["temperature"]
        ideal = [found["tempered"][name] for name in FIGURES]
        rows.append([model.stem, f"{temperature:.3f}", "", "", "without errors", *(f"{value:.5f}" for value in ideal)])
        for age, years in [("new", []), ("1 year", ["--time", "1y"])]:
            for gain, line in [(0, 0), (1, 0), (0, 1), (1, 1)]:
                each = []
                for seed in map(str, range(1, TEMPERED + 1)):
                    with tempfile.TemporaryDirectory() as folder:
                        chip = pathlib.Path(folder) / "chip"
                        words = ["draw", model, "--arch", arch, "--seed", seed, "-o", chip, *years]
                        words += ["--compensate"] * gain + ["--correct", CORRECTED, "--data", data] * line
                        subprocess.run([PROGRAM, *map(str, words)], capture_output=True, check=True)
                        each.append(judged(temperature, "--chip", str(chip), "--noise-seed", seed)["tempered"])
                means = [sum(one[name] for one in each) / len(each) for name in FIGURES]
                rows.append([model.stem, f"{temperature:.3f}", gain, line, age, *(f"{mean:.5f}" for mean in means)])
                print(*rows[-1], sep=", ", flush=True)
    with open(HERE / "tempered.csv", "w", newline="") as file:
        heads = ["network", "temperature", "gain", "line", "age", *FIGURES]
        csv.writer(file, lineterminator="\n").writerows([heads, *rows])


def plot():
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "bincim"
    rows = [row for row in csv.DictReader(open(HERE / "pcm.csv")) if row["plane"] == "noise 3 uS"]
    networks = list(dict.fromkeys(row["network"] for row in rows))
    titles = {"right": "right, %", "nll": "NLL, nats", "ece": "ECE, %"}
    kinds = {"00": "as it is", "10": "gain a layer", "01": "line a class", "11": "both"}
    figure, axes = plt.subplots(len(networks), 3, figsize=(10, 3.1 * len(networks)), squeeze=False)
    for network, line in zip(networks, axes):
        for (name, title), at in zip(titles.items(), line):
            unit = 1 if name == "nll" else 100
            for (kind, label), marker in zip(kinds.items(), "os^D"):
                some = [r for r in rows if r["network"] == network and r["gain"] + r["line"] == kind]
                values = [unit * float(row[name]) for row in some]
                stds = [unit * float(row[f"{name}_std"]) for row in some]
                at.errorbar(range(len(some)), values, stds, marker=marker, markersize=4, capsize=2, label=label)
            ideal = unit * float(some[0][f"{name}_ideal"])
            at.axhline(ideal, color="grey", linestyle="--", linewidth=1, label="chip without errors")
            at.set_xticks(range(len(AGES)), AGES)
            at.set_ylabel(f"{network}: {title}")
            at.grid(alpha=0.3)
    axes[0][1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(HERE / "pcm.svg", metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "temper", "plot"])
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path)
    args = parser.parse_intermixed_args()
    if args.what == "plot":
        plot()
    else:
        {"run": run, "temper": temper}[args.what](args.data, args.models)
