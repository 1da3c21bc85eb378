#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether what is generated under a JSON schema satisfies it: documents sampled at a high temperature under schemas of
maskbench, judged by python3-jsonschema. Prints how many were completed and which of them do not validate; the exit
status is 1 when there are any.

    benchmarks/constrained_sampling.py [MODEL] [--library build/release/liblinnet.so] [--shared ../shared]
                                       [--first N | --every N] [--samples 2] [--tokens 400] [--temperature 1.5]

A model with random weights seldom gets to an end by itself: what limits it is the number of tokens, and what was not
completed is not judged."""
import argparse
import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def schemas(arguments):
    with open(arguments.shared / "schemas" / "maskbench.jsonl", encoding="utf-8") as file:
        for i, line in enumerate(file):
            if arguments.first and i == arguments.first:
                return
            if i % arguments.every == 0:
                case = json.loads(line)
                yield case["name"], case["schema"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=pathlib.Path, default=ROOT / "models" / "tiny-tales-6m-Q8_0.gguf")
    parser.add_argument("--library", type=pathlib.Path, default=ROOT / "build" / "release" / "liblinnet.so")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--temperature", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        import jsonschema
    except ImportError:
        print("skipped: python3-jsonschema is missing")
        return 77
    os.environ.setdefault("LINNET_LIBRARY", str(arguments.library.resolve()))
    sys.path.insert(0, str(ROOT / "examples" / "python"))
    import linnet

    counts = dict.fromkeys(("schemas", "refused", "failed", "samples", "completed", "invalid", "judge"), 0)
    start = time.process_time()
    n_tokens = 0
    with linnet.Engine(n_threads=1) as engine, linnet.Model(engine, arguments.model) as model:
        session = linnet.Session(model, n_ctx=1024)
        for name, schema in schemas(arguments):
            counts["schemas"] += 1
            try:
                kind = linnet.JSON_SCHEMA_COMPACT if counts["schemas"] % 2 else linnet.JSON_SCHEMA
                grammar = linnet.Grammar(model, kind, json.dumps(schema))
            except linnet.Error:
                counts["refused"] += 1
                continue
            judge = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)(schema)
            for i in range(arguments.samples):
                counts["samples"] += 1
                seed = arguments.seed * 1_000_003 + counts["samples"]
                session.truncate(0)
                session.set_sampler(linnet.Sampler(model, temperature=arguments.temperature, seed=seed))
                session.append("A JSON document: ")
                session.set_grammar(grammar)
                text, reason = "", 0
                try:
                    for _ in range(arguments.tokens):
                        event = session.step()
                        text += event.text
                        n_tokens += 1
                        if event.kind == linnet.EVENT_DONE:
                            reason = event.reason
                            break
                except linnet.Error as error:
                    counts["failed"] += 1
                    print(f"{name}: {error}")
                    break
                if reason not in (linnet.DONE_GRAMMAR, linnet.DONE_END_TOKEN):
                    continue
                counts["completed"] += 1
                try:
                    errors = [error.message for error in judge.iter_errors(json.loads(text))]
                except json.JSONDecodeError as error:
                    errors = [str(error)]
                except Exception as error:  # the schema is beyond the judge: references that it cannot follow ...
                    counts["judge"] += 1
                    print(f"{name}: not judged: {str(error)[:200]}")
                    continue
                if errors:
                    counts["invalid"] += 1
                    print(f"{name}: seed {seed}: {errors[0][:200]}\n    {text[:500]}")
            session.set_grammar(None)
    seconds = time.process_time() - start
    print(", ".join(f"{n} {what}" for what, n in counts.items()), f"; {n_tokens} tokens in {seconds:.1f} s")
    if counts["completed"] == 0:
        print("nothing was completed")
    return 1 if counts["invalid"] or counts["completed"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
