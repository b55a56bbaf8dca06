#!/usr/bin/env python3
"""What analog arrays do to networks that were not trained for them: runs, table and plots.

    study.py run  --models DIR --data DIR --out build/study [--chips 20] [--images 1000]   needs target/release/bincim
    study.py plot --out build/study                                      needs matplotlib; writes study.csv and *.svg here

Each experiment is one `bincim vary` over one key; a run that was interrupted goes on where it stopped.
"""

import argparse
import csv
import json
import math
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent.parent / "target" / "release" / "bincim"
NETWORKS = {"lfc": ("lfc_mnist.onnx", "mnist"), "cnv": ("cnv_cifar10.onnx", "cifar10")}
WORD = {72: 8, 128: 64, 144: 16, 256: 64, 288: 32, 576: 64, 1152: 64}


def machine(rows, readout, variation):
    """The architecture file: `readout` and `variation` are {table: {key: value}}, "" for the table itself."""
    columns = min(64, rows)
    text = f'name = "study"\n[array]\nrows = {rows}\ncolumns = {columns}\n[activation]\nword = {WORD[rows]}\n'
    for prefix, tables in (("readout", readout), ("variation", variation)):
        for table, keys in tables.items():
            name = f"{prefix}.{table}" if table else prefix
            text += f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    return text


XNOR = {"cell": {"kind": "xnor", "branches": "independent"}, "gaussian": {"of": "value"}}
PAIR = {"cell": {"kind": "pair"}, "gaussian": {"of": "gmax"}}
OFFSET = {"cell": {"kind": "offset"}, "gaussian": {"of": "gmax"}}
# Ranges are found on images that are not classified afterwards.
SPLIT = ["--split", "train"]
EXACT = {"": {"kind": "adc", "levels": 257}}


def adc(levels, scope, cell):
    # The converters of the offset mapping see the signal alone.
    reference = {"reference": "analog"} if cell == "offset" else {}
    return {"": {"kind": "adc", "levels": levels, "range": scope, **reference}}


def experiments():
    """(name, machine, key that is swept, its values)"""
    yield "local-xnor", machine(256, EXACT, XNOR), "variation.gaussian.sigma", [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1]
    yield "local-pair", machine(256, EXACT, PAIR), "variation.gaussian.sigma", [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1]
    shifts = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
    yield "die-fixed", machine(256, EXACT, XNOR), "variation.die.sigma", shifts
    replica = {**XNOR, "cell": {**XNOR["cell"], "reference": "replica"}}
    yield "die-replica", machine(256, EXACT, replica), "variation.die.sigma", shifts
    yield "die-pair", machine(256, EXACT, PAIR), "variation.die.sigma", shifts
    for rows in (72, 144, 288, 576):
        for cell, physics in (("pair", PAIR), ("offset", OFFSET)):
            noisy = {**physics, "gaussian": {"of": "gmax", "sigma": 0.05}}
            for scope in ("full", "calibrated"):
                text = machine(rows, adc(32, scope, cell), noisy)
                yield f"adc-{scope}-{cell}-{rows}", text, "readout.levels", [4, 8, 16, 32, 64, 128]
    for rows in (144, 576):
        for cell, physics in (("pair", PAIR), ("offset", OFFSET)):
            # Exact for any drive of these cells; nothing is drawn, so that all chips are the same.
            exact = {**physics, "wires": {"freeze": "transfer"}}
            wires = [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 1e-3]
            yield f"wires-{cell}-{rows}", machine(rows, adc(1024, "full", cell), exact), "variation.wires.column", wires
    for rows in (128, 256):
        sense = {"": {"kind": "sense"}}
        yield f"sense-{rows}", machine(rows, sense, XNOR), "variation.sense.offset", [0, 2, 4, 8, 16, 32]


def run(args):
    for name, text, key, values in experiments():
        for network in args.networks.split(","):
            model, data = NETWORKS[network]
            folder = pathlib.Path(args.out) / f"{network}-{name}"
            folder.parent.mkdir(parents=True, exist_ok=True)
            if (folder / "results.json").exists():
                continue
            model, data = pathlib.Path(args.models) / model, pathlib.Path(args.data) / data
            arch = folder.with_suffix(".toml")
            arch.write_text(text)
            if "calibrated" in text:
                subprocess.run(
                    [PROGRAM, "calibrate", model, "--arch", arch, "--data", data, *SPLIT, "--images", "20", "-o", arch],
                    check=True,
                )
            sweep = f"{key}={','.join(f'{value:g}' for value in values)}"
            chips = "2" if name.startswith("wires") else str(args.chips)
            subprocess.run(
                [PROGRAM, "vary", model, "--arch", arch, "--data", data, "--chips", chips, "--images", str(args.images),
                 "--sweep", sweep, "--flips", "-o", folder],
                check=True,
            )


def points(out):
    """One row a point of every finished run."""
    for name, _, key, _ in experiments():
        for network in NETWORKS:
            results = pathlib.Path(out) / f"{network}-{name}" / "results.json"
            if not results.exists():
                continue
            run = json.loads(results.read_text())
            for point in run["points"]:
                if point["group"] != "sweep":
                    continue
                flips = [layer["mean"] for layer in point["flips"]]
                yield {
                    "network": network, "experiment": name, "key": key, "value": point["value"],
                    "chips": point["chips"], "images": point["images"], "ideal": run["accuracy_network"],
                    **{part: round(point[f"accuracy_{part}"], 5) for part in ("mean", "std", "min", "max")},
                    "first_layer_flips": round(flips[0], 5), "last_layer_flips": round(flips[-1], 5),
                }


def plot(args):
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "bincim", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})
    import matplotlib.pyplot as plt

    # Curves that were not run here stay as the table has them.
    rows = list(points(args.out))
    made = {(row["network"], row["experiment"]) for row in rows}
    with open(HERE / "study.csv", newline="") as file:
        for row in csv.DictReader(file):
            if (row["network"], row["experiment"]) not in made:
                rows.append({key: text if key in ("network", "experiment", "key") else json.loads(text) for key, text in row.items()})
    order = [(network, name) for name, *_ in experiments() for network in NETWORKS]
    rows.sort(key=lambda row: order.index((row["network"], row["experiment"])))
    with open(HERE / "study.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

    def series(network, name, what="mean"):
        chosen = [row for row in rows if (row["network"], row["experiment"]) == (network, name)]
        return [row["value"] for row in chosen], [row[what] for row in chosen], [row["std"] for row in chosen]

    def accuracy(axes, network, lines, label, scale="log"):
        for name, text in lines:
            x, y, error = series(network, name)
            if x:
                axes.errorbar(x, [100 * v for v in y], [100 * e for e in error], marker="o", ms=3, capsize=2, label=text)
        axes.axhline(10, color="grey", lw=0.8, ls=":")
        axes.set(xlabel=label, ylabel="accuracy, %", xscale=scale, ylim=(0, 102), title=network.upper())
        axes.legend(fontsize=7)

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(HERE / f"{name}.svg", metadata={"Date": None})

    for group, lines, label in (
        ("local", [("local-xnor", "two branches"), ("local-pair", "pair")], "sigma of a device, of its ON current"),
        ("die", [("die-fixed", "fixed reference"), ("die-replica", "replica column"), ("die-pair", "pair")], "sigma of the die"),
        ("wires", [(f"wires-{c}-{r}", f"{c}, {r} rows") for c in ("pair", "offset") for r in (144, 576)],
         "column segment, of the ON resistance"),
        ("sense", [("sense-128", "128 rows"), ("sense-256", "256 rows")], "sense amplifier's offset, counts"),
    ):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3))
        for ax, network in zip(axes, NETWORKS):
            accuracy(ax, network, lines, label, "linear" if group == "sense" else "log")
        save(figure, group)

    figure, axes = plt.subplots(1, 2, figsize=(8, 3))
    fan_in = {"lfc": 784, "cnv": 27}
    for network, mark in (("lfc", "o"), ("cnv", "s")):
        x, y, _ = series(network, "local-xnor", "first_layer_flips")
        axes[0].plot(x, y, mark, ms=4, label=f"{network.upper()}, first layer")
        x, y, _ = series(network, "die-fixed", "first_layer_flips")
        axes[1].plot(x, y, mark, ms=4, label=f"{network.upper()}, first layer (fan-in {fan_in[network]})")
    x = [0.05 * 1.06**i for i in range(52)]
    axes[0].plot(x, [math.atan(math.sqrt(2) * s) / math.pi for s in x], "k-", lw=1, label="arctan(sqrt 2 sigma)/pi")
    x = [0.005 * 1.06**i for i in range(64)]
    axes[1].plot(x, [math.atan(s * math.sqrt(784)) / math.pi for s in x], "k-", lw=1, label="arctan(sigma sqrt 784)/pi")
    axes[0].set(xlabel="sigma of a device", ylabel="flipped bits", xscale="log", title="local mismatch")
    axes[1].set(xlabel="sigma of the die", ylabel="flipped bits", xscale="log", title="shift of the die, fixed reference")
    for ax in axes:
        ax.legend(fontsize=7)
    save(figure, "flips")

    for scope in ("full", "calibrated"):
        figure, axes = plt.subplots(2, 2, figsize=(8, 5.6))
        for line, cell in zip(axes, ("pair", "offset")):
            for ax, network in zip(line, NETWORKS):
                lines = [(f"adc-{scope}-{cell}-{r}", f"{r} rows") for r in (72, 144, 288, 576)]
                accuracy(ax, network, lines, f"converter codes, {scope} range", "log")
                ax.set_xscale("log", base=2)
                ax.set_title(f"{network.upper()}, {cell}, sigma 5 % of Gmax")
        save(figure, f"converter-{scope}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "plot"])
    parser.add_argument("--models", default="../shared/models")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--out", default="build/study")
    parser.add_argument("--chips", type=int, default=20)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--networks", default=",".join(NETWORKS), help="which networks to run")
    args = parser.parse_args()
    {"run": run, "plot": plot}[args.action](args)


if __name__ == "__main__":
    main()
