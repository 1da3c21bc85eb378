#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a grammar costs a generation: tokens per second of the processor with a schema, which a story in one string
satisfies, as a share of those without; rounds alternate, medians are compared.

    benchmarks/grammar_rate.py [MODEL] [--library build/release/liblinnet.so] [--tokens 100] [--rounds 15]

"first" is a new session and grammar each round, so that every situation comes up for the first time; "again" is the
same text in a session that has seen it."""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = json.dumps({"type": "object", "properties": {"story": {"type": "string", "pattern": "^[^<]*<end>$"}},
                     "required": ["story"], "additionalProperties": False})
PROMPT = "Once upon a time, there was a little fox named Ruby. She lived"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=pathlib.Path, default=ROOT / "models" / "tiny-tales-6m-Q8_0.gguf")
    parser.add_argument("--library", type=pathlib.Path, default=ROOT / "build" / "release" / "liblinnet.so")
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    os.environ.setdefault("LINNET_LIBRARY", str(arguments.library.resolve()))
    sys.path.insert(0, str(ROOT / "examples" / "python"))
    import linnet

    def generate(session, n_prompt):
        """Tokens per second of the processor. What follows the prompt up to the string's text is computed before."""
        session.truncate(n_prompt)
        for _ in range(8):
            session.step()
        n, start = 0, time.process_time()
        while n < arguments.tokens:
            event = session.step()
            if event.kind == linnet.EVENT_DONE:
                break
            n += 1
        return n / (time.process_time() - start)

    with linnet.Engine(n_threads=1) as engine, linnet.Model(engine, arguments.model) as model:
        rates = {"free": [], "first": [], "again": []}
        for seed in range(arguments.rounds):
            for name in ("free", "first"):
                session = linnet.Session(model, linnet.Sampler(model, temperature=0.8, seed=seed))
                session.append(PROMPT)
                if name == "first":
                    session.set_grammar(linnet.Grammar(model, linnet.JSON_SCHEMA_COMPACT, SCHEMA))
                n_prompt = len(session.tokens())
                rates[name].append(generate(session, n_prompt))
                if name == "first":
                    session.set_sampler(linnet.Sampler(model, temperature=0.8, seed=seed))
                    rates["again"].append(generate(session, n_prompt))
    free = statistics.median(rates["free"])
    for name, values in rates.items():
        rate = statistics.median(values)
        print(f"{name:6} {rate:9.1f} tokens/s  {rate / free:.3f}")


if __name__ == "__main__":
    main()
