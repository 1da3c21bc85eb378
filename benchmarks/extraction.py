#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a schema does for extraction: the held-out JSON tasks of the small model, generated greedily with and without
a schema made of the expected document's keys and types. Prints how many documents are JSON, have the right keys, and
are right.

    benchmarks/extraction.py [MODEL] [--library build/release/liblinnet.so] [--shared ../shared]"""
import argparse
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {str: {"type": "string", "minLength": 1, "maxLength": 60}, int: {"type": "integer"}}


def schema_of(document):
    if isinstance(document, list):
        return {"type": "array", "items": {"type": "string"}}
    return {"type": "object", "properties": {key: TYPES[type(value)] for key, value in document.items()},
            "required": list(document), "additionalProperties": False}


def prompt_of(messages):
    turns = "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in messages)
    return turns + "<|im_start|>assistant\n"


def parsed(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=pathlib.Path, default=ROOT / "models" / "tiny-tales-6m-Q8_0.gguf")
    parser.add_argument("--library", type=pathlib.Path, default=ROOT / "build" / "release" / "liblinnet.so")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    arguments = parser.parse_args()
    os.environ.setdefault("LINNET_LIBRARY", str(arguments.library.resolve()))
    sys.path.insert(0, str(ROOT / "examples" / "python"))
    import linnet

    with open(arguments.shared / "default-model" / "eval_tasks.jsonl", encoding="utf-8") as file:
        tasks = [task for task in map(json.loads, file) if task["match"] == "json"]
    print(f"{len(tasks)} tasks        JSON   keys  right")
    with linnet.Engine() as engine, linnet.Model(engine, arguments.model) as model:
        session = linnet.Session(model)
        for constrained in (False, True):
            n_json = n_keys = n_right = 0
            for task in tasks:
                expected = json.loads(task["expected"])
                session.truncate(0)
                session.append(prompt_of(task["messages"]))
                if constrained:
                    session.set_grammar(linnet.Grammar(model, linnet.JSON_SCHEMA, json.dumps(schema_of(expected))))
                document = parsed("".join(session.stream(200)))
                n_json += document is not None
                n_keys += isinstance(document, type(expected)) and (
                    isinstance(expected, list) or set(document) == set(expected))
                n_right += document == expected
            print(f"{'with' if constrained else 'without'} schema{'   ' if constrained else ''}"
                  f"   {n_json:6} {n_keys:6} {n_right:6}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
