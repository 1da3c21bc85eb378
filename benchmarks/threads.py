#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Own threads against a host's parallel_for, each on a machine of its own and beside programs that never pause:
#
#     benchmarks/threads.py -t 2 MODEL.gguf
#
# Speeds are medians over rounds of `linnet bench`, all four in each round, one after the other. Ratios are taken within
# a round, where the machine was most alike, and are medians of those. The verdicts: a host's threads within 5 % of own
# ones, and beside one busy program per core (which leaves a fair share of half a core) at most twice as slow as that
# share.
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
print(flush=True)
while True: pass
"""
FAIR = 2  # one more program on each core
KINDS = {"prefill": "prefill_tps", "decode": "decode_tps"}


class Busy:
    """One program per core that only computes."""

    def __init__(self, cores):
        self.cores = cores

    def __enter__(self):
        self.programs = []
        for core in self.cores:
            program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(core)], stdout=subprocess.PIPE)
            self.programs.append(program)
        for program in self.programs:
            program.stdout.readline()  # it runs

    def __exit__(self, *_):
        for program in self.programs:
            program.kill()
            program.communicate()


def bench(options, model, host):
    command = [options.linnet, "bench", model, "-p", options.prompt, "-n", options.tokens, "-t", options.threads,
               "-r", 3, "--json"] + ["--host-threads"] * host
    return json.loads(subprocess.run([str(word) for word in command], check=True, capture_output=True).stdout)


def verdict(good):
    return "ok" if good else "MISSED"


def compare(options, model):
    cores = sorted(os.sched_getaffinity(0))
    found = {(host, busy): [] for busy in (False, True) for host in (False, True)}
    for number in range(options.rounds):
        for busy in (False, True):
            # Who comes second may find the machine changed by the first.
            for host in (False, True) if number % 2 == 0 else (True, False):
                if busy:
                    with Busy(cores):
                        found[host, busy].append(bench(options, model, host))
                else:
                    found[host, busy].append(bench(options, model, host))
    print(f"{pathlib.Path(model).name}, {options.threads} threads of {len(cores)} cores, tokens per second")
    print(" " * 10 + "      own      host  own/host  own, busy  slower  host, busy  slower")
    good = True
    for kind, key in KINDS.items():
        tps = {which: statistics.median(result[key] for result in results) for which, results in found.items()}

        def ratio_of(one, other, key=key):
            return statistics.median(a[key] / b[key] for a, b in zip(found[one], found[other]))
        ratio = ratio_of((False, False), (True, False))
        slower = {host: ratio_of((host, False), (host, True)) for host in (False, True)}
        verdicts = {"host within 5 %": 0.95 <= ratio <= 1.05,
                    "own when busy": slower[False] <= 2 * FAIR,
                    "host when busy": slower[True] <= 2 * FAIR}
        missed = [what for what, met in verdicts.items() if not met]
        print(f"{kind:10}{tps[False, False]:9.1f}{tps[True, False]:10.1f}{ratio:10.3f}{tps[False, True]:11.1f}"
              f"{slower[False]:8.2f}{tps[True, True]:12.1f}{slower[True]:8.2f}  {', '.join(missed)}")
        good = good and all(verdicts.values())
    return good


def main():
    parser = argparse.ArgumentParser(description="Own threads against a host's, on a free and on a busy machine")
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--linnet", default=ROOT / "build/release/linnet", help="the program (default: %(default)s)")
    parser.add_argument("-t", "--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("-p", "--prompt", type=int, default=256, help="tokens of the prompt")
    parser.add_argument("-n", "--tokens", type=int, default=32, help="tokens to decode")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    options = parser.parse_args()
    good = [compare(options, model) for model in options.models]
    print("verdict:", verdict(all(good)))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
