#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# compare_quantize.py --peer COMMAND [--root DIR] MODEL: what `linnet quantize` and llama-quantize make of a model with
# float weights, format by format: the greatest and the total ratio of their squared errors over the tensors, the error
# as a share of the weights, and the CPU seconds of both (2 threads). With --root the peer runs in a chroot: it sees
# DIR/x as /x, and MODEL has to be inside.
import argparse
import json
import os
import pathlib
import shlex
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FORMATS = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "IQ4_XS", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K")


def cpu_seconds(command):
    before = os.times()
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main():
    parser = argparse.ArgumentParser(description="Squared errors of linnet quantize against llama-quantize")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--peer", required=True, help="command that runs llama-quantize")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("/"))
    parser.add_argument("--program", default=ROOT / "build/release/linnet")
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    options = parser.parse_args()
    print("| format | greatest ratio | of all weights | Linnet's error | llama-quantize's | CPU s | llama-quantize's |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=options.model.parent) as folder:
        ours, theirs = pathlib.Path(folder) / "ours.gguf", pathlib.Path(folder) / "theirs.gguf"
        seen = [pathlib.Path("/") / path.relative_to(options.root) for path in (options.model, theirs)]
        sizes = {tensor["name"]: tensor["bytes"] for tensor in json.loads(subprocess.run(
            [options.program, "inspect", options.model, "--json"], check=True, capture_output=True).stdout)["tensors"]}
        for form in options.formats:
            seconds = cpu_seconds([options.program, "quantize", options.model, ours, form, "-t", 2])
            peer_seconds = cpu_seconds([*shlex.split(options.peer), *seen, form, 2])
            out = subprocess.run([options.program, "compare", options.model, ours, theirs, "--json"], check=True,
                                 capture_output=True, text=True).stdout
            greatest, totals, square = 0.0, [0.0, 0.0], 0.0
            for line in map(json.loads, out.splitlines()):
                if line["types"][0] != line["types"][1]:
                    raise SystemExit(f"{line['tensor']}: {line['types']}")
                greatest = max(greatest, line["mse"][0] / line["mse"][1])
                weight = sizes[line["tensor"]]  # in proportion to the number of weights: all are of one float type
                totals = [total + weight * error for total, error in zip(totals, line["mse"])]
                square += weight * line["mse"][1] / line["relative_rms"][1] ** 2
            shares = [100 * (total / square) ** 0.5 for total in totals]
            print(f"| {form} | {greatest:.3f} | {totals[0] / totals[1]:.3f} | {shares[0]:.3f} % | {shares[1]:.3f} % "
                  f"| {seconds:.2f} | {peer_seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
