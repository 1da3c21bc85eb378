#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Coverage and cost of JSON schemas as constraints, by `linnet constrain`: how many schemas compile, which documents
are judged wrongly, and the times of masks and compilation (of the processor, one thread).

    benchmarks/constraints.py [--linnet build/release/linnet] [--shared ../shared] [--draft] [--vocab FILE] [--first N]

Documents are serialised as json.dumps does. With --draft the files of draft2020-12 are judged instead of maskbench:
a group passes when all of its tests are right; what is refused has to name a keyword of the schema."""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys


def serialised(data):
    return json.dumps(data, ensure_ascii=False)


def maskbench(shared, first):
    with open(shared / "schemas" / "maskbench.jsonl", encoding="utf-8") as file:
        for i, line in enumerate(file):
            if first and i == first:
                return
            case = json.loads(line)
            yield case["name"], case["schema"], [(test["valid"], test["data"]) for test in case["tests"]]


def draft(shared, first):
    for path in sorted((shared / "schemas" / "draft2020-12").glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            tests = [(test["valid"], test["data"]) for test in group["tests"]]
            yield f"{path.stem}: {group['description']}", group["schema"], tests


def answers(arguments, cases):
    program = [arguments.linnet, "constrain", str(arguments.vocab), "--jsonl"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        for name, schema, tests in cases:
            request = {"schema": schema, "documents": [serialised(data) for _, data in tests]}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            reply = process.stdout.readline()
            if not reply:
                sys.exit(f"{arguments.linnet} ended at {name}")
            yield name, schema, tests, json.loads(reply)
        process.stdin.close()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def print_times(what, values):
    average = sum(values) / max(1, len(values))
    figures = "  ".join(f"p{100 * share:g} {percentile(values, share):.1f}" for share in (0.5, 0.9, 0.99, 0.999))
    print(f"{what:8} us: average {average:.1f}  {figures}  most {max(values, default=0.0):.1f}  ({len(values)})")


def keyword_of(error):
    match = re.search(r"'([^']*)'", error)
    return match.group(1) if match else error


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--linnet", default=str(root / "build" / "release" / "linnet"))
    parser.add_argument("--shared", type=pathlib.Path, default=root.parent / "shared")
    parser.add_argument("--vocab", type=pathlib.Path)
    parser.add_argument("--draft", action="store_true")
    parser.add_argument("--first", type=int, default=0, help="only so many schemas")
    parser.add_argument("--verbose", action="store_true", help="name every schema that does not pass")
    arguments = parser.parse_args()
    if arguments.vocab is None:
        arguments.vocab = arguments.shared / "tokenizers" / "llama3.2" / "vocab.gguf"
    cases = (draft if arguments.draft else maskbench)(arguments.shared, arguments.first)

    count = collections.Counter()
    refused = collections.Counter()
    masks, compiles = [], []
    for name, schema, tests, reply in answers(arguments, cases):
        count["schemas"] += 1
        count["valid"] += sum(valid for valid, _ in tests)
        count["tests"] += len(tests)
        if "error" in reply:
            count["compile errors"] += 1
            count["tests refused"] += len(tests)
            refused[keyword_of(reply["error"])] += 1
            if arguments.verbose:
                print(f"refused  {name}: {reply['error']}")
            continue
        masks += reply["mask_us"]
        compiles.append(reply["compile_us"])
        wrong = 0
        for (valid, data), accepted in zip(tests, reply["accepted"]):
            if valid == accepted:
                continue
            wrong += 1
            count["validation errors" if valid else "invalidation errors"] += 1
            if arguments.verbose:
                print(f"{'refuses' if valid else 'accepts'}  {name}: {serialised(data)[:300]}")
        count["passing"] += wrong == 0
    share = 100 * count["passing"] / max(1, count["schemas"])
    print(f"schemas {count['schemas']}, passing {count['passing']} ({share:.1f} %), "
          f"compile errors {count['compile errors']}")
    print(f"documents {count['tests']} ({count['valid']} valid): validation errors {count['validation errors']}, "
          f"invalidation errors {count['invalidation errors']}, not judged {count['tests refused']}")
    if refused:
        print("compile errors by keyword: " + ", ".join(f"{key} {n}" for key, n in refused.most_common()))
    print_times("mask", masks)
    print_times("compile", compiles)


if __name__ == "__main__":
    main()
