#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linnet beside llama.cpp on the same files, threads and machine: interleaved runs, medians, ratios and verdicts.

    benchmarks/compare_peer.py --peer 'chroot /opt/peer llama-bench' --peer-dir /opt/peer \
        /opt/peer/models/llama3.2-1b-Q4_0.gguf ...

--peer-dir is cut off a file's path for the peer, which may see another root. Write files with `linnet synth`.
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


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{shlex.join(command)}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def linnet(options, model):
    command = [options.linnet, "bench", str(model), "-p", str(options.prefill), "-n", str(options.decode), "-r", "1",
               "-t", str(options.threads), "-d", str(options.depth), "--kv", options.kv, "--json"]
    return run(command)


def peer(options, model):
    path = "/" + str(model.resolve().relative_to(options.peer_dir))
    command = shlex.split(options.peer) + ["-m", path, "-t", str(options.threads), "-r", "1", "-o", "json", "-d",
                                           str(options.depth)]
    if options.depth or options.kv != "f16":
        command += ["-fa", "1", "-ctk", options.kv, "-ctv", options.kv]
    speeds = {}
    for test in run(command + ["-p", str(options.prefill), "-n", str(options.decode)]):
        speeds["prefill_tps" if test["n_prompt"] else "decode_tps"] = test["avg_ts"]
    return speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--peer", required=True, help="command of the peer's llama-bench")
    parser.add_argument("--peer-dir", type=pathlib.Path, default=pathlib.Path("/"), help="root that the peer sees")
    parser.add_argument("--linnet", default="build/release/linnet")
    parser.add_argument("-t", "--threads", type=int, default=1)
    parser.add_argument("-r", "--repeats", type=int, default=3)
    parser.add_argument("-p", "--prefill", type=int, default=512)
    parser.add_argument("-n", "--decode", type=int, default=32)
    parser.add_argument("-d", "--depth", type=int, default=0, help="tokens in the cache before measuring")
    parser.add_argument("--kv", default="f16", choices=["f16", "q8_0"])
    options = parser.parse_args()

    print(f"{options.threads} thread(s), prefill {options.prefill}, decode {options.decode}, depth {options.depth}, "
          f"KV {options.kv}, medians of {options.repeats}\n")
    print("| file | isa | prefill t/s | x peer | of int8 | verdict | decode t/s | x peer | of reads | verdict |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for model in options.models:
        ours, theirs = [], []
        for _ in range(options.repeats):
            ours.append(linnet(options, model))
            theirs.append(peer(options, model))

        def median(results, key):
            return statistics.median(result[key] for result in results)

        prefill, decode = median(ours, "prefill_tps"), median(ours, "decode_tps")
        prefill_ratio = prefill / median(theirs, "prefill_tps")
        decode_ratio = decode / median(theirs, "decode_tps")
        share, read_share = median(ours, "prefill_share"), median(ours, "decode_share")
        least_share, least_ratio = TARGETS.get(model.stem, (0.0, 1.0))
        prefill_ok = share >= least_share and prefill_ratio >= least_ratio
        decode_ok = read_share >= DECODE_SHARE and decode_ratio >= 1.0
        print(f"| {model.stem} | {ours[0]['isa']} | {prefill:.0f} | {prefill_ratio:.2f} | {share:.0%} | "
              f"{'met' if prefill_ok else f'below {least_share:.0%}, {least_ratio}x'} | {decode:.1f} | "
              f"{decode_ratio:.2f} | {read_share:.0%} | {'met' if decode_ok else f'below {DECODE_SHARE:.0%}'} |",
              flush=True)


if __name__ == "__main__":
    main()
