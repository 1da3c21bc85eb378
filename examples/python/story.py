# SPDX-License-Identifier: MIT
"""Streams a story and checks itself a little.   LINNET_LIBRARY=.../liblinnet.so story.py [MODEL [PROMPT]]"""

import sys

import linnet

path = sys.argv[1] if len(sys.argv) > 1 else "models/tiny-tales-6m-Q8_0.gguf"
prompt = sys.argv[2] if len(sys.argv) > 2 else "Once upon a time"

try:
    with linnet.Engine() as engine, linnet.Model(engine, path) as model:
        info = model.info()
        print(f"linnet {linnet.version()}: {info.architecture.decode()}, {info.n_layers} layers, "
              f"{info.format.decode()}, {engine.info().n_threads} threads, {engine.info().isa.decode()}",
              file=sys.stderr)
        sampler = linnet.Sampler(model, temperature=0.7, top_p=0.9, seed=1)
        session = linnet.Session(model, sampler, n_ctx=512)
        session.append(prompt)
        print(prompt, end="")
        story = ""
        for text in session.stream(128):
            print(text, end="", flush=True)
            story += text
        print()
        if not story:
            sys.exit("no text came")
except linnet.Error as error:
    sys.exit(f"{path}: {error}")
