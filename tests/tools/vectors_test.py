#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# End-to-end checks of models that make vectors, and of what is measured over texts (imatrix, divergence).
# Usage: vectors_test.py [unittest options] PROGRAM
import json
import sys
import unittest

import cli_test
from cli_test import Case, Golden, linnet, linnet_json, linnet_lines


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


class Measures(Case):
    def write_text(self):
        text = self.folder / "text.txt"
        words = "once there was a little fox who went to the big river and saw the red bird in a tree".split()
        text.write_text(" ".join(words[i * i % len(words)] for i in range(1500)), encoding="ascii")
        return text

    def test_imatrix(self):
        model, text, out = self.small_model(), self.write_text(), self.folder / "out.gguf"
        written = set()
        for more in (("-t", 1), ("-t", 2, "--chunk", 50), ("--isa", "scalar"), ("--mapped",)):
            linnet("imatrix", model, "-f", text, "-o", out, "-c", 256, *more)
            written.add(out.read_bytes())
        self.assertEqual(len(written), 1)
        found = linnet_json("inspect", out, "--json")
        self.assertEqual(found["metadata"]["general.type"], "imatrix")
        self.assertEqual(found["metadata"]["imatrix.chunk_size"], 256)
        shapes = {tensor["name"]: tensor["shape"] for tensor in found["tensors"]}
        matrices = [t for t in linnet_json("inspect", model, "--json")["tensors"]
                    if t["name"].startswith("blk.") and len(t["shape"]) == 2]
        self.assertEqual(len(shapes), 2 * len(matrices))
        for matrix in matrices:
            self.assertEqual(shapes[matrix["name"] + ".in_sum2"][0], matrix["shape"][0])
        quantised = self.folder / "q.gguf"
        linnet("quantize", model, quantised, "Q4_K_M", "--allow-requantize", "--imatrix", out)
        self.assertIn("too few", linnet("imatrix", model, "-f", text, "-o", out, "-c", 100000, status=2)[1])

    def test_imatrix_of_experts(self):
        model, text = self.shared("goldens/qwen3moe") / "model-f32.gguf", self.write_text()
        out = self.folder / "out.gguf"
        written = set()
        for more in (("-t", 1), ("-t", 2, "--chunk", 7)):
            linnet("imatrix", model, "-f", text, "-o", out, "-c", 64, *more)
            written.add(out.read_bytes())
        self.assertEqual(len(written), 1)
        shapes = {tensor["name"]: tensor["shape"] for tensor in linnet_json("inspect", out, "--json")["tensors"]}
        stacks = [t for t in linnet_json("inspect", model, "--json")["tensors"] if len(t["shape"]) == 3]
        self.assertEqual(len(stacks), 6)
        for stack in stacks:
            n_in, _, n = stack["shape"]
            self.assertEqual(shapes[stack["name"] + ".in_sum2"], [n_in, n])
            self.assertEqual(shapes[stack["name"] + ".counts"], [1, n])
        plain, weighed = self.folder / "plain.gguf", self.folder / "weighed.gguf"
        linnet("quantize", model, plain, "Q8_0", "--tensor", "*ffn_down_exps.weight=Q4_0")
        linnet("quantize", model, weighed, "Q8_0", "--tensor", "*ffn_down_exps.weight=Q4_0", "--imatrix", out)
        differ = [json.loads(line)["tensor"] for line in linnet("compare", plain, weighed, "--json")[0].splitlines()]
        self.assertEqual([name for name in differ if "exps" in name],
                         ["blk.0.ffn_down_exps.weight", "blk.1.ffn_down_exps.weight"])

    def test_divergence(self):
        model, text, base = self.small_model(), self.write_text(), self.folder / "base.bin"
        arguments = ("-f", text, "-c", 128, "--json")
        plain = linnet_json("perplexity", model, *arguments)
        self.assertEqual(linnet_json("perplexity", model, *arguments, "--save", base), plain)
        again = linnet_json("perplexity", model, *arguments, "--kl", base, "-t", 1)
        self.assertLess(again["kl_max"], 1e-12)
        self.assertEqual((again["same_top"], again["perplexity"]), (1.0, plain["perplexity"]))
        other = linnet_json("perplexity", model, *arguments, "--kl", base, "--kv", "q8_0")
        self.assertTrue(0 < other["kl_mean"] < other["kl_max"] < 0.5, other)
        self.assertIn("windows", linnet("perplexity", model, "-f", text, "-c", 64, "--kl", base, status=1)[1])
        data = bytearray(base.read_bytes())
        data[24] ^= 1  # the first token of the first window
        base.write_bytes(data)
        self.assertIn("another text", linnet("perplexity", model, *arguments, "--kl", base, status=1)[1])
        base.write_bytes(data[:-4])
        self.assertIn("size", linnet("perplexity", model, *arguments, "--kl", base, status=1)[1])


if __name__ == "__main__":
    cli_test.PROGRAM = sys.argv.pop()
    unittest.main()
