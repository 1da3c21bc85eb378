#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linnet beside llama.cpp on the same files, threads and machine: interleaved runs, medians, ratios and verdicts.

    benchmarks/compare_peer.py --peer 'chroot /opt/peer llama-bench' --peer-dir /opt/peer \
        /opt/peer/models/llama3.2-1b-Q4_0.gguf ...

--peer-dir is cut off a file's path for the peer, which may see another root. Write files with `linnet synth`.
--tables, behind the files, chooses what is measured:
    short   prefill of 512 tokens and decode at an empty context, beside the peer
    long    prefill of 4096 tokens and of the last 512 of 16384, F16 and 8-bit cache, beside the peer (minutes)
    depth   decode behind 8192 tokens, F16 and 8-bit cache
    steps   passes of 4 and 8 tokens against passes of 1
    avx2    prefill with the AVX2 kernels alone
    load    time until ready and memory, packed and mapped
The shares are of this machine's limits, measured in the same runs: int8 dot products for prefill, memory reads for
decode. A target is taken from the file's name where TARGETS has it.
"""
import argparse
import json
import pathlib
import shlex
import statistics
import subprocess
import sys

# Prefill of 512 tokens: least share of the int8 rate, least ratio to the peer.
TARGETS = {
    "llama3.2-1b-Q4_0": (0.65, 2.3),
    "llama3.2-1b-Q8_0": (0.65, 9.0),
    "llama3.2-1b-Q4_K_M": (0.58, 2.4),
    "qwen3-0.6b-Q4_0": (0.58, 2.8),
    "qwen3-0.6b-Q4_K_M": (0.52, 2.9),
    "gemma3-1b-Q4_0": (0.58, 2.3),
    "phi4-mini-Q4_K_M": (0.58, 2.7),
}
DECODE_SHARE = 0.95
# Tokens, of which so many are before: least ratio to the peer by the cache's type.
LONG = {(4096, 0): {"f16": 3.4, "q8_0": 4.5}, (512, 16384 - 512): {"f16": 5.0, "q8_0": 7.0}}
DEPTH = 8192
DEPTH_SHARE = 0.85
STEPS = {4: 1.2, 8: 1.6}
# What AVX2's integer multiplies allow (docs/performance.md derives it), as a part of the rate of vpdpbusd's 512 bits.
AVX2_BOUNDS = {"Q4_0": 93 / 256, "Q4_K_M": 85 / 256, "Q8_0": 57 / 256}
AVX2_SHARE = 0.6
LOAD_GBPS = 2.0
MAPPED_MS = 50
SPARE_MB = 64


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{shlex.join(command)}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def linnet(options, model, prefill, decode, *, depth=0, kv="f16", more=()):
    return run([options.linnet, "bench", str(model), "-p", str(prefill), "-n", str(decode), "-r", "1", "-t",
                str(options.threads), "-d", str(depth), "--kv", kv, "--json", *more])


def peer(options, model, prefill, decode, *, depth=0, kv="f16"):
    path = "/" + str(model.resolve().relative_to(options.peer_dir))
    command = shlex.split(options.peer) + ["-m", path, "-t", str(options.threads), "-r", "1", "-o", "json", "-d",
                                           str(depth)]
    if prefill > 512 or depth or kv != "f16":
        command += ["-fa", "1", "-ctk", kv, "-ctv", kv]
    speeds = {}
    for test in run(command + ["-p", str(prefill), "-n", str(decode)]):
        speeds["prefill_tps" if test["n_prompt"] else "decode_tps"] = test["avg_ts"]
    return speeds


class Medians:
    """Of the fields of several results."""

    def __init__(self, results):
        self.results = results

    def __getitem__(self, key):
        return statistics.median(result[key] for result in self.results)


def repeat(options, measure):
    return Medians([measure() for _ in range(options.repeats)])


def interleave(options, *measures):
    rounds = [[measure() for measure in measures] for _ in range(options.repeats)]
    return [Medians(results) for results in zip(*rounds)]


def row(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def head(*names):
    print()
    row(*names)
    print("|" + "---|" * len(names))


def verdict(met, otherwise):
    return "met" if met else otherwise


def short(options):
    head("file", "isa", "prefill t/s", "x peer", "of int8", "verdict", "decode t/s", "x peer", "of reads", "verdict")
    for model in options.models:
        ours, theirs = interleave(options, lambda: linnet(options, model, 512, 32),
                                  lambda: peer(options, model, 512, 32))
        prefill_ratio = ours["prefill_tps"] / theirs["prefill_tps"]
        decode_ratio = ours["decode_tps"] / theirs["decode_tps"]
        least_share, least_ratio = TARGETS.get(model.stem, (0.0, 1.0))
        prefill_ok = ours["prefill_share"] >= least_share and prefill_ratio >= least_ratio
        decode_ok = ours["decode_share"] >= DECODE_SHARE and decode_ratio >= 1.0
        row(model.stem, ours.results[0]["isa"], f"{ours['prefill_tps']:.0f}", f"{prefill_ratio:.2f}",
            f"{ours['prefill_share']:.0%}", verdict(prefill_ok, f"below {least_share:.0%}, {least_ratio}x"),
            f"{ours['decode_tps']:.1f}", f"{decode_ratio:.2f}", f"{ours['decode_share']:.0%}",
            verdict(decode_ok, f"below {DECODE_SHARE:.0%}"))


def long(options):
    head("file", "tokens", "behind", "cache", "t/s", "x peer", "verdict")
    for model in options.models:
        for (n, depth), ratios in LONG.items():
            for kv, least in ratios.items():
                ours, theirs = interleave(options, lambda: linnet(options, model, n, 0, depth=depth, kv=kv),
                                          lambda: peer(options, model, n, 0, depth=depth, kv=kv))
                ratio = ours["prefill_tps"] / theirs["prefill_tps"]
                row(model.stem, n, depth, kv, f"{ours['prefill_tps']:.0f}", f"{ratio:.2f}",
                    verdict(ratio >= least, f"below {least}x"))


def depth(options):
    head("file", "cache", "t/s", "GB per token", "of reads", "verdict")
    for model in options.models:
        for kv in ("f16", "q8_0"):
            ours = repeat(options, lambda: linnet(options, model, 0, 32, depth=DEPTH, kv=kv))
            n_bytes = ours["weight_bytes_per_token"] + ours["cache_bytes_per_token"]
            row(model.stem, kv, f"{ours['decode_tps']:.1f}", f"{n_bytes / 1e9:.2f}", f"{ours['decode_share']:.0%}",
                verdict(ours["decode_share"] >= DEPTH_SHARE, f"below {DEPTH_SHARE:.0%}"))


def steps(options):
    head("file", "1 token, ms", *(f"{n} tokens" for n in STEPS), "verdict")
    for model in options.models:
        # A pass of each length in a round, so that they have met the same machine.
        found = interleave(options, *(lambda n=n: linnet(options, model, n, 32) for n in STEPS))
        one = statistics.median(result["decode_tps"] for medians in found for result in medians.results)
        times = [n * one / medians["prefill_tps"] for n, medians in zip(STEPS, found)]
        met = all(time <= most for time, most in zip(times, STEPS.values()))
        row(model.stem, f"{1e3 / one:.2f}", *(f"{time:.2f}" for time in times),
            verdict(met, "above " + ", ".join(str(most) for most in STEPS.values())))


def avx2(options):
    head("file", "t/s", "of int8", "of AVX2's bound", "verdict")
    for model in options.models:
        ours = repeat(options, lambda: linnet(options, model, 512, 0, more=["--isa", "avx2"]))
        share = ours["prefill_share"] / AVX2_BOUNDS[model.stem.split("-")[-1]]
        row(model.stem, f"{ours['prefill_tps']:.0f}", f"{ours['prefill_share']:.0%}", f"{share:.0%}",
            verdict(share >= AVX2_SHARE, f"below {AVX2_SHARE:.0%}"))


def load(options):
    head("file", "weights", "ms", "GB/s", "memory beyond the file, MB", "verdict")
    for model in options.models:
        size = model.stat().st_size
        for weights in ("packed", "mapped"):
            # A context of 32 tokens: of a cache there is next to nothing.
            ours = repeat(options, lambda: linnet(options, model, 32, 4, more=["--mapped"] * (weights == "mapped")))
            rate = size / ours["load_ms"] / 1e6
            beyond = (ours["peak_rss_bytes"] - size) / 1e6
            fast = ours["load_ms"] < MAPPED_MS if weights == "mapped" else rate >= LOAD_GBPS
            target = f"{MAPPED_MS} ms" if weights == "mapped" else f"{LOAD_GBPS} GB/s"
            row(model.stem, weights, f"{ours['load_ms']:.0f}", f"{rate:.1f}", f"{beyond:.0f}",
                verdict(fast and beyond <= SPARE_MB, f"misses {target} or {SPARE_MB} MB"))


TABLES = {table.__name__: table for table in (short, long, depth, steps, avx2, load)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--peer", help="command of the peer's llama-bench, for the tables 'short' and 'long'")
    parser.add_argument("--peer-dir", type=pathlib.Path, default=pathlib.Path("/"), help="root that the peer sees")
    parser.add_argument("--linnet", default="build/release/linnet")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=["short"])
    parser.add_argument("-t", "--threads", type=int, default=1)
    parser.add_argument("-r", "--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.peer is None and {"short", "long"} & set(options.tables):
        parser.error("the tables 'short' and 'long' need --peer")
    print(f"{options.threads} thread(s), medians of {options.repeats}")
    for table in options.tables:
        TABLES[table](options)


if __name__ == "__main__":
    main()
