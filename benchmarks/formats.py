#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# How fast the kernels of each tensor format are, as shares of what the same run measured: prefill of Q4_0's rate and of
# the core's int8 rate, decode (one token, weights from memory) of the core's read rate. One thread:
#
#     taskset -c 1 benchmarks/formats.py
#
# Figures are medians over rounds, each a process of its own that measures limits and all formats; prefill's benchmarks
# alternate within it. Verdicts: prefill at least half of Q4_0's rate; decode of the formats that people use at least
# 90 % of reads.
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
USED = ("q4_k", "q5_k", "q6_k", "q3_k", "iq4_xs", "iq4_nl", "mxfp4")
PROMPTS = ("240", "512")


def measure(options, kinds, *flags):
    """{(format, kind/tokens): counters} of one process."""
    formats = "|".join(options.formats) if options.formats else "[^/]*"
    command = [options.program, f"--benchmark_filter=^matmul/({formats})/{options.isa}/({kinds})$",
               "--benchmark_format=json", *flags]
    out = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    found = {}
    for run in json.loads(out)["benchmarks"]:
        if run.get("aggregate_name", "median") == "median":
            _, form, _, kind = run["run_name"].split("/", 3)
            found[form, kind] = run
    if not found:
        raise SystemExit("no such benchmarks: " + " ".join(map(str, command)))
    return found


def main():
    parser = argparse.ArgumentParser(description="Prefill and decode of each tensor format, as shares")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help="in lower case (default: all)")
    parser.add_argument("--program", default=ROOT / "build/release/bench_kernels")
    parser.add_argument("--isa", default="avx512vnni")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("prefill", "decode"), help="measure one of the two")
    options = parser.parse_args()
    if options.formats and "q4_0" not in options.formats:
        options.formats.insert(0, "q4_0")
    rounds = []
    for _ in range(options.rounds):
        rounds.append({})
        if options.only != "decode":
            rounds[-1] |= measure(options, "square/(" + "|".join(PROMPTS) + ")", "--benchmark_repetitions=3",
                                  "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.05")
        if options.only != "prefill":
            rounds[-1] |= measure(options, "streamed/1", "--benchmark_min_time=0.05")

    def median(value):
        return statistics.median(value(found) for found in rounds)

    titles = ["format"]
    for n in PROMPTS if options.only != "decode" else ():
        titles += [f"{n} tokens, of int8", "of Q4_0"]
    titles += ["decode, GB/s", "of reads"] if options.only != "prefill" else []
    print("| " + " | ".join([*titles, "verdict"]) + " |\n" + "|---" * (len(titles) + 1) + "|")
    good = True
    for form in sorted({form for form, _ in rounds[0]}):
        cells, missed = [], []
        for n in PROMPTS if options.only != "decode" else ():
            kind = "square/" + n
            if form.startswith(("f", "bf")):  # their rate is another one
                cells += [f"{median(lambda found: found[form, kind]['of_rate']):.0%} (f32)", "-"]
                continue
            ratio = median(lambda found: found[form, kind]["of_rate"] / found["q4_0", kind]["of_rate"])
            cells += [f"{median(lambda found: found[form, kind]['of_rate']):.0%}", f"{ratio:.0%}"]
            missed += [f"prefill of {n}"] * (ratio < 0.5)
        if options.only != "prefill":
            share = median(lambda found: found[form, "streamed/1"]["of_read"])
            cells += [f"{median(lambda found: found[form, 'streamed/1']['GB/s']):.1f}", f"{share:.0%}"]
            missed += ["decode"] * (form in USED and share < 0.9)
        good = good and not missed
        print(f"| {form} | {' | '.join(cells)} | {'below: ' + ', '.join(missed) if missed else 'met'} |", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
