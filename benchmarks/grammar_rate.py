#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a schema costs a generation: tokens per second of the processor under each of SCHEMAS, as a share of the rate
without one. Rounds alternate, medians are compared; every generation is as long, so that contexts are, too.

    benchmarks/grammar_rate.py [MODEL ...] [--library build/release/liblinnet.so] [--tokens 100] [--rounds 15]

"first" is a new session and grammar each round, so that every situation comes up for the first time; "again" is another
text in the same session, which has seen most of them. What is forced is appended without running the model for each
token, so that a rate can be above the free one. Models need a vocabulary (`linnet synth --vocab`)."""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMPT = "Once upon a time, there was a little fox named Ruby. She lived"


def record(**properties):
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SCHEMAS = {  # none of them ends by itself within some hundred tokens
    "pattern": record(story={"type": "string", "pattern": "^[^<]*<end>$"}),
    "counted": record(story={"type": "string", "minLength": 2000, "maxLength": 4000}),
    "records": {"type": "array", "minItems": 200, "items": record(
        name={"type": "string", "minLength": 3, "maxLength": 40}, age={"type": "integer", "minimum": 0, "maximum": 130},
        kind={"enum": ["fox", "bear", "owl"]}, born={"type": "string", "format": "date"}, tame={"type": "boolean"},
        notes={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3})},
    "any": {"type": "array", "minItems": 200, "items": {"type": ["object", "array", "string", "number"]}},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=pathlib.Path, default=[ROOT / "models" / "tiny-tales-6m-Q8_0.gguf"])
    parser.add_argument("--library", type=pathlib.Path, default=ROOT / "build" / "release" / "liblinnet.so")
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--schema", choices=SCHEMAS, action="append", help="only this one (may be repeated)")
    arguments = parser.parse_args()
    os.environ.setdefault("LINNET_LIBRARY", str(arguments.library.resolve()))
    sys.path.insert(0, str(ROOT / "examples" / "python"))
    import linnet

    def rate(session, n_prompt, seed):
        """Tokens per second of the processor, once the prompt has been computed; None when the text ends early."""
        session.truncate(n_prompt)
        session.set_sampler(linnet.Sampler(session.model, temperature=0.8, seed=seed))
        for _ in range(8):
            session.step()
        n, start = 0, time.process_time()
        while True:
            event = session.step()
            if event.kind == linnet.EVENT_DONE:
                return None
            n += 1
            if n >= arguments.tokens and event.n_pending == 1:  # all but the last token have been computed
                return n / (time.process_time() - start)

    def session_of(model, schema=None):
        session = linnet.Session(model, n_ctx=1024)
        session.model = model
        session.append(PROMPT)
        if schema is not None:
            session.set_grammar(linnet.Grammar(model, linnet.JSON_SCHEMA_COMPACT, json.dumps(schema)))
        return session, len(session.tokens())

    names = arguments.schema or list(SCHEMAS)
    for path in arguments.models:
        rates = {"free": []} | {f"{name}, {when}": [] for name in names for when in ("first", "again")}
        with linnet.Engine(n_threads=1) as engine, linnet.Model(engine, path) as model:
            for seed in range(arguments.rounds):
                rates["free"].append(rate(*session_of(model), seed))
                for name in names:
                    session, n_prompt = session_of(model, SCHEMAS[name])
                    rates[f"{name}, first"].append(rate(session, n_prompt, seed))
                    rates[f"{name}, again"].append(rate(session, n_prompt, seed + arguments.rounds))
        print(path.name)
        free = None
        for name, values in rates.items():
            whole = [value for value in values if value is not None]
            if not whole:
                sys.exit(f"{name}: every text ended before {arguments.tokens} tokens")
            median = statistics.median(whole)
            free = free or median
            print(f"  {name:16} {median:9.1f} tokens/s  {median / free:.3f}  ({len(whole)} of {len(values)} rounds)")


if __name__ == "__main__":
    main()
