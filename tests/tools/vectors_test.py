#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# End-to-end checks of models that make vectors. Usage: vectors_test.py [unittest options] PROGRAM
import json
import sys
import unittest

import cli_test
from cli_test import Case, Golden, linnet, linnet_lines


class Vectors(Case):
    NAMES = ("bert", "bert_cls", "nomic_bert", "embeddinggemma", "qwen3_embedding")

    def golden(self, name):
        folder = self.shared(f"goldens/{name}")
        return folder / "model-f32.gguf", folder

    def test_verify_and_logits(self):
        for name in self.NAMES:
            model, folder = self.golden(name)
            self.assertIn("PASS", linnet("verify", model, folder)[0], name)
            golden = Golden(folder / "golden.bin")
            tokens = self.folder / "tokens.txt"
            tokens.write_text(" ".join(map(str, golden.tokens())), encoding="ascii")
            out = self.folder / "out.bin"
            linnet("logits", model, "--tokens", tokens, "--out", out)
            made = Golden(out)
            self.assertEqual((made.header, made.tokens()), (golden.header, golden.tokens()))
            self.assertIn("PASS", linnet("verify", model, out)[0])
            linnet("logits", model, "--tokens", tokens, "--out", out, "--greedy", 1, status=2)
            made.words[0] = (made.words[0] + 1) % 200 + 5
            made.write(out)
            self.assertIn("FAIL", linnet("verify", model, out, status=1)[0])

    def test_embed(self):
        model, _ = self.golden("bert")
        texts = ["the a", "b\u00e9 \u4e2d", ""]
        found = [json.loads(line) for line in linnet("embed", model, *texts)[0].splitlines()]
        self.assertEqual([entry["text"] for entry in found], texts)
        for entry in found:
            self.assertAlmostEqual(sum(x * x for x in entry["embedding"]), 1, delta=1e-5)
        lines = linnet("embed", model, "-f", "-", text="\n".join(texts) + "\n")[0]
        self.assertEqual([json.loads(line) for line in lines.splitlines()], found)
        states = json.loads(linnet("embed", model, "the a", "--pooling", "none", "--raw")[0])["states"]
        ids = linnet_lines("tokenize", model, "--jsonl", objects=[{"text": "the a"}])[0]["ids"]
        self.assertEqual((ids[0], ids[-1], len(ids)), (2, 3, len(states)))  # [CLS] ... [SEP]
        first = json.loads(linnet("embed", model, "the a", "--pooling", "cls", "--raw")[0])["embedding"]
        self.assertEqual(first, states[0])
        self.assertIn("128", linnet("embed", model, "a " * 200, status=1)[1])
        linnet("embed", model, "a " * 200, "--truncate")
        linnet("embed", model, status=2)
        self.assertIn("'bert'", linnet("run", "-m", model, "-p", "x", status=1)[1])


if __name__ == "__main__":
    cli_test.PROGRAM = sys.argv.pop()
    unittest.main()
