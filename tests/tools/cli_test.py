#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# End-to-end checks of the linnet program. Usage: cli_test.py [unittest options] PROGRAM
# Fixtures come from tests/fixtures, from models/ and, where it is there, from ../shared (or $LINNET_SHARED); what is
# missing is a visible skip. Everything is written into a temporary folder.
import array
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("LINNET_SHARED", ROOT.parent / "shared"))
SMALL_MODEL = ROOT / "models" / "tiny-tales-6m-Q8_0.gguf"
SHAPES = ("tiny-llama", "tiny-qwen3", "tiny-gemma3", "tiny-phi3", "tiny-qwen3moe")
FORMATS = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K",
           "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0",
           "MXFP4")
COMMANDS = ("run", "chat", "inspect", "plan", "tokenize", "detokenize", "render", "jinja", "embed", "logits",
            "verify", "imatrix", "perplexity", "bench", "synth", "quantize", "compare", "constrain")
PROGRAM = None  # set at the bottom


def linnet(*arguments, status=0, text=""):
    """Runs the program and returns what it wrote; its exit status must be the expected one."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=text.encode(), capture_output=True, timeout=600)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}, expected {status}\n{done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


def linnet_json(*arguments):
    return json.loads(linnet(*arguments)[0])


def linnet_lines(*arguments, objects, status=0):
    text = "".join(json.dumps(entry) + "\n" for entry in objects)
    return [json.loads(line) for line in linnet(*arguments, text=text, status=status)[0].splitlines()]


def read_lines(path):
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Golden:
    """A golden file taken apart, so that tests can damage it."""

    def __init__(self, path):
        data = path.read_bytes()
        self.header = list(struct.unpack("<4s6i", data[:28]))
        _, _, _, self.n_tokens, self.n_rows, self.n_cols, self.n_greedy = self.header
        self.words = array.array("i", data[28:])

    def tokens(self):
        return self.words[: self.n_tokens].tolist()

    def greedy(self):
        start = self.n_tokens + self.n_rows * self.n_cols
        return self.words[start : start + self.n_greedy].tolist()

    def write(self, path):
        path.write_bytes(struct.pack("<4s6i", *self.header) + self.words.tobytes())


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="linnet-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def synth(self, shape="tiny-llama", form="Q8_0", *more):
        path = self.folder / f"{shape}-{form}-{len(list(self.folder.iterdir()))}.gguf"
        linnet("synth", shape, form, path, *more)
        return path

    def small_model(self):
        if not SMALL_MODEL.is_file():
            self.skipTest(f"{SMALL_MODEL} is not there")
        return SMALL_MODEL

    def shared(self, name):
        path = SHARED / name
        if not path.exists():
            self.skipTest(f"{path} is not there")
        return path


class Usage(Case):
    def test_help_teaches(self):
        self.assertIn("linnet run", linnet("--help")[0])
        for command in COMMANDS:
            self.assertIn("Example:\n  ", linnet(command, "--help")[0], command)

    def test_version(self):
        self.assertRegex(linnet("--version")[0], r"^\d+\.\d+\.\d+$")

    def test_wrong_command_lines(self):
        for arguments in ((), ("nonsense",), ("run", "--nonsense"), ("inspect",), ("run", "-n", "many"),
                          ("plan", "x.gguf", "--kv", "f8"), ("bench", "x", "-t", "0"),
                          ("synth", "tiny-llama", "Q9_9", "x"), ("synth", "huge-llama", "Q4_0", "x")):
            out, err = linnet(*arguments, status=2)
            self.assertEqual(out, "", arguments)
            self.assertRegex(err, r"^linnet: \S", arguments)

    def test_failures_name_what_is_wrong(self):
        missing = self.folder / "missing.gguf"
        broken = self.folder / "broken.gguf"
        broken.write_bytes(b"GGUFnonsense")
        for path in (missing, broken):
            for arguments in (("inspect", path), ("plan", path), ("run", "-m", path), ("bench", path),
                              ("tokenize", path), ("detokenize", path), ("constrain", path)):
                out, err = linnet(*arguments, status=1)
                self.assertEqual(out, "", arguments)
                self.assertRegex(err, r"^linnet: \S", arguments)
        self.assertIn("missing.gguf", linnet("inspect", missing, status=1)[1])

    def test_unknown_instruction_set(self):
        self.assertIn("mmx", linnet("bench", self.synth(), "--isa", "mmx", status=1)[1])


class Files(Case):
    def test_synth_and_inspect(self):
        for shape in SHAPES:
            for form in FORMATS:
                path = self.synth(shape, form)
                found = linnet_json("inspect", path, "--json")
                self.assertEqual(found["file_bytes"], path.stat().st_size)
                self.assertEqual(found["metadata"]["general.architecture"], shape.split("-")[1])
                last = max(found["tensors"], key=lambda tensor: tensor["offset"])
                self.assertLessEqual(last["offset"] + last["bytes"], path.stat().st_size)
                types = {tensor["type"] for tensor in found["tensors"]} - {"F32"}
                self.assertTrue(types or form == "F32", (shape, form))
                path.unlink()

    def test_inspect_reads_like_a_list(self):
        out, _ = linnet("inspect", self.synth("tiny-qwen3", "Q4_0"))
        self.assertIn("  qwen3.block_count = 3\n", out)
        self.assertRegex(out, r"\n  blk\.0\.attn_q\.weight +Q4_0 +\[256,512\] +73728\n")

    def test_synth_follows_its_seed(self):
        first, second = self.synth(), self.synth()
        self.assertEqual(first.read_bytes(), second.read_bytes())
        self.assertNotEqual(first.read_bytes(), self.synth("tiny-llama", "Q8_0", "--seed", 8).read_bytes())

    def test_synth_copies_a_vocabulary(self):
        vocabulary = self.shared("tokenizers/llama-spm/vocab.gguf")
        path = self.synth("tiny-llama", "Q8_0", "--vocab", vocabulary)
        tokens = linnet_json("inspect", path, "--json")["metadata"]["tokenizer.ggml.tokens"]
        self.assertEqual((tokens["count"], tokens["first"][:3]), (512, ["<unk>", "<s>", "</s>"]))

    def test_plan_adds_up(self):
        path = self.synth("tiny-gemma3", "Q4_K_M")
        plan = linnet_json("plan", path, "-c", 512, "--json")
        self.assertEqual(plan["n_ctx"], 512)
        parts = ("weights_bytes", "metadata_bytes", "kv_bytes", "scratch_bytes")
        self.assertEqual(plan["total_bytes"], sum(plan[part] for part in parts))
        self.assertEqual(plan["file_bytes"], path.stat().st_size)
        self.assertGreater(linnet_json("plan", path, "-c", 512, "--kv", "f32", "--json")["kv_bytes"], plan["kv_bytes"])
        self.assertEqual(linnet_json("plan", path, "--mapped", "--json")["weights_bytes"], 0)
        self.assertIn(str(plan["total_bytes"]), linnet("plan", path, "-c", 512)[0])


class Text(Case):
    def test_run_streams_text_and_figures(self):
        model = self.small_model()
        out, err = linnet("run", "-m", model, "-p", "Once upon a time, there was a little fox", "-n", 24)
        self.assertGreater(len(out.split()), 8)
        self.assertRegex(err, r"^linnet: prompt \d+ tokens, [\d.]+ t/s; generated 24 tokens, [\d.]+ t/s; load \d+ ms")

    def test_run_finds_the_small_model(self):
        self.small_model()
        if not pathlib.Path(PROGRAM).resolve().is_relative_to(ROOT):
            self.skipTest("the program is not in the project's folder")
        self.assertTrue(linnet("run", "-n", 2)[0].strip())

    def test_run_gives_the_same_text(self):
        model = self.small_model()
        base = ("run", "-m", model, "-p", "The dog", "-n", 20)
        greedy = linnet(*base)[0]
        for more in (("-t", 1), ("--isa", "scalar"), ("--mapped",)):
            self.assertEqual(linnet(*base, *more)[0], greedy, more)
        self.assertEqual(linnet("run", "-m", model, "-p", "-", "-n", 20, text="The dog")[0], greedy)
        self.assertEqual(linnet(*base, "--echo")[0], "The dog" + greedy)
        drawn = [linnet(*base, "--temp", 1.5, "--seed", seed)[0] for seed in (1, 1, 2)]
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])

    def test_run_refuses_a_bad_sampler(self):
        self.assertIn("temperature", linnet("run", "-m", self.small_model(), "--temp", -1, status=1)[1])

    def test_tokens_round_trip(self):
        model = self.small_model()
        texts = ["Once upon a time", "", " two  spaces\n", "caf\u00e9 \U0001f98a", "<|im_start|>user"]
        encoded = linnet_lines("tokenize", model, "--jsonl", objects=[{"text": t, "add_special": False} for t in texts])
        decoded = linnet_lines("detokenize", model, "--jsonl", objects=encoded)
        self.assertEqual([entry["text"] for entry in decoded], texts)
        for entry, text in zip(decoded, texts):
            self.assertEqual(bytes.fromhex("".join(entry["pieces_hex"])), text.encode())

    def test_tokens_as_the_fixtures_have_them(self):
        for name in ("qwen3", "llama-spm"):
            folder = self.shared("tokenizers") / name
            cases = read_lines(folder / "cases.jsonl")
            encoded = linnet_lines("tokenize", folder / "vocab.gguf", "--jsonl", objects=cases)
            self.assertEqual([entry["ids"] for entry in encoded], [case["ids"] for case in cases], name)
            cases = read_lines(folder / "detok.jsonl")
            decoded = linnet_lines("detokenize", folder / "vocab.gguf", "--jsonl", objects=cases)
            for case, entry in zip(cases, decoded, strict=True):
                self.assertEqual(entry["pieces_hex"], case["pieces_hex"], name)
                if case["text"] is not None:
                    self.assertEqual(entry["text"], case["text"], name)

    def test_bad_lines_do_not_end_the_service(self):
        model = self.small_model()
        out, _ = linnet("tokenize", model, "--jsonl", status=1, text='nonsense\n{"text": 5}\n{}\n[]\n{"text": "a"}\n')
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([sorted(answer) for answer in answers], [["error"]] * 4 + [["ids"]])
        answers = linnet_lines("detokenize", model, "--jsonl", status=1,
                               objects=[{"ids": [-1]}, {"ids": [1 << 30]}, {"ids": ["a"]}, {"ids": [100]}])
        self.assertEqual([sorted(answer) for answer in answers], [["error"]] * 3 + [["pieces_hex", "text"]])

    def test_documents_under_constraints(self):
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
        requests = [{"schema": schema, "documents": ['{"a": 12}', '{"b": 1}', '{"a": 1, "b": [null]}', '{"a": 1', ""]},
                    {"grammar": 'root ::= "(" root ")" | [a-z]+', "documents": ["((abc))", "(a"]},
                    {"regex": "[ab]{2,3}c?", "documents": ["abc", "a", "bbbb"]},
                    {"choices": ["yes", "no"], "documents": ["yes", "no", "n"]},
                    {"schema": {"type": "object", "unevaluatedProperties": False}},
                    {"regex": "("}]
        answers = linnet_lines("constrain", self.small_model(), "--jsonl", status=1, objects=requests)
        self.assertEqual([answer.get("accepted") for answer in answers],
                         [[True, False, True, False, False], [True, False], [True, False, False],
                          [True, True, False], None, None])
        self.assertIn("unevaluatedProperties", answers[4]["error"])
        self.assertIn("regular expression", answers[5]["error"])
        self.assertGreaterEqual(len(answers[0]["mask_us"]), 10)
        self.assertGreater(answers[0]["compile_us"], 0)


class Templates(Case):
    def check(self, case, answer):
        if "expected" in case:
            self.assertEqual(answer, {"text": case["expected"]})
        else:
            self.assertEqual(list(answer), ["error"])
            if case["error_kind"] == "raise_exception":
                self.assertEqual(answer["error"], case["error"])

    def check_folder(self, folder):
        meta = json.loads((folder / "meta.json").read_text())
        cases = read_lines(folder / "cases.jsonl")
        extra = {"bos_token": meta["bos_token"], "eos_token": meta["eos_token"], "now": meta["strftime_now"]}
        lines = [{key: value for key, value in case.items() if key not in ("expected", "error")} | extra
                 for case in cases]
        answers = linnet_lines("render", "--template", folder / "template.jinja", "--jsonl", objects=lines)
        for case, answer in zip(cases, answers, strict=True):
            self.check(case, answer)

    def test_conversations(self):
        self.check_folder(ROOT / "tests" / "fixtures" / "chat" / "chatml")
        for name in ("qwen3", "llama-3.1", "gpt-oss"):
            self.check_folder(self.shared("templates") / name)

    def test_snippets(self):
        cases = read_lines(ROOT / "tests" / "fixtures" / "chat" / "snippets.jsonl")
        lines = [{"template": case["template"], "context": case["context"], "now": "2025-03-09T15:04:05"}
                 for case in cases]
        for case, answer in zip(cases, linnet_lines("jinja", "--jsonl", objects=lines), strict=True):
            self.check(case, answer)

    def test_the_model_gives_what_the_line_does_not(self):
        model = self.small_model()
        hello = {"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": True}
        self.assertEqual(linnet_lines("render", model, "--jsonl", objects=[hello]),
                         [{"text": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"}])
        linnet("render", "--jsonl", status=2)
        self.assertEqual(linnet_lines("render", "--template", "plain", "--jsonl", objects=[hello]),
                         [{"text": "Hi\n\n"}])
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "template.jinja"
            path.write_text("{{ bos_token }}|{{ eos_token }}|{{ strftime_now('%Y') | length }}")
            lines = [{"messages": []}, {"messages": [], "bos_token": "B", "eos_token": "E"}]
            first, second = linnet_lines("render", model, "--template", path, "--jsonl", objects=lines)
            self.assertEqual(second, {"text": "B|E|4"})
            bos, eos = linnet_lines("detokenize", model, "--jsonl", objects=[{"ids": [1]}, {"ids": [0]}])
            self.assertEqual(first, {"text": f"{bos['text']}|{eos['text']}|4"})
            path.write_text("a\n{{ 1 + }}")
            _, err = linnet("render", "--template", path, "--jsonl", status=1)
            self.assertIn("line 2, column 8", err)

    def test_bad_lines_do_not_end_the_service(self):
        out, _ = linnet("jinja", "--jsonl", status=1, text='nonsense\n{"template": 5}\n[]\n{"template": "{{ 1 }}"}\n')
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([sorted(answer) for answer in answers], [["error"]] * 3 + [["text"]])


class Structure(Case):
    def run_model(self, *arguments, status=0):
        return linnet("run", "-m", self.small_model(), "-p", "Once upon a time", "-t", 1, *arguments, status=status)

    def test_constrained(self):
        schema = self.folder / "schema.json"
        schema.write_text(json.dumps({"type": "object", "properties": {"name": {"type": "string", "maxLength": 9},
                                      "age": {"type": "integer", "minimum": 3, "maximum": 12}},
                                      "required": ["name", "age"], "additionalProperties": False}))
        for more in ((), ("--compact",)):
            document = json.loads(self.run_model("--json-schema", schema, *more)[0])
            self.assertEqual(sorted(document), ["age", "name"])
            self.assertTrue(3 <= document["age"] <= 12)
        grammar = self.folder / "grammar.gbnf"
        grammar.write_text('root ::= [a-c]+ "-" [0-9]{4}\n')
        self.assertRegex(self.run_model("--grammar", grammar, "--temp", 1)[0], r"^[a-c]+-[0-9]{4}\n$")
        self.assertRegex(self.run_model("--regex", "(ab|cd){2}!")[0], r"^(ab|cd){2}!\n$")
        self.assertIn(self.run_model("--choices", "red,dark green")[0], ("red\n", "dark green\n"))

    def test_refused(self):
        self.assertIn("offset", self.run_model("--regex", "a(", status=1)[1])
        schema = self.folder / "schema.json"
        schema.write_text('{"properties": {"a": {"unevaluatedItems": false}}}')
        self.assertIn("#/properties/a", self.run_model("--json-schema", schema, status=1)[1])
        self.run_model("--json-schema", self.folder / "none", status=2)
        self.run_model("--regex", "a", "--choices", "b", status=2)
        self.run_model("--compact", status=2)

    def test_stops_and_samplers(self):
        plain = self.run_model("-n", 60)[0].rstrip("\n")
        stop = plain[50:54]
        self.assertEqual(self.run_model("-n", 60, "--stop", stop)[0], plain[:plain.index(stop)] + "\n")
        chain = ("--temp", 1, "--seed", 3, "--typical", 0.9, "--xtc", 0.5, "--dry", 0.8, "--top-n-sigma", 2,
                 "--ban", " the", "--order", "temperature,typical,top_n_sigma,xtc,dry")
        first = self.run_model("-n", 100, *chain)[0]
        self.assertEqual(self.run_model("-n", 100, *chain)[0], first)
        self.assertNotIn(" the", first)
        self.assertIn("mirostat", linnet("run", "--help")[0])
        self.run_model("--order", "nonsense", status=2)
        self.run_model("--mirostat", -1, status=1)

    def test_samples_validate(self):
        model, _ = self.small_model(), self.shared("schemas/maskbench.jsonl")
        library = pathlib.Path(PROGRAM).resolve().parent / "liblinnet.so"
        if not library.is_file():
            self.skipTest("there is no liblinnet.so beside the program")
        script = ROOT / "benchmarks" / "constrained_sampling.py"
        command = [sys.executable, "-B", script, model, "--library", library, "--shared", SHARED, "--every", "40"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode == 77:
            self.skipTest(done.stdout.strip())
        if "ImportError" in done.stderr or "OSError" in done.stderr:
            self.skipTest("the library is built for a sanitizer's runtime")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" 0 invalid", done.stdout)


class Logits(Case):
    def goldens(self):
        """Folders of a golden each with its model, of formats and architectures which differ."""
        local = sorted(path.parent for path in (ROOT / "tests" / "fixtures").rglob("golden.bin"))
        names = ("llama", "qwen3", "gemma3_1b", "phi4mini_long", "quant_llama_q4_k_m", "quant_llama_small_bf16")
        beside = [SHARED / "goldens" / name for name in names if (SHARED / "goldens" / name).is_dir()]
        folders = [(next(folder.glob("*.gguf")), folder) for folder in local + beside if list(folder.glob("*.gguf"))]
        if not folders:
            self.skipTest("there are no golden files")
        return folders

    def write_tokens(self, tokens):
        path = self.folder / "tokens.txt"
        path.write_text("\n".join(map(str, tokens)) + "\n", encoding="ascii")
        return path

    def test_verify_passes(self):
        for model, golden in self.goldens():
            self.assertIn("PASS", linnet("verify", model, golden)[0], golden)
            self.assertIn("PASS", linnet("verify", model, golden / "golden.bin", "--chunk", 7, "-t", 1)[0], golden)

    def test_verify_fails(self):
        model, folder = self.goldens()[0]
        wrong = self.folder / "golden.bin"
        golden = Golden(folder / "golden.bin")
        golden.words[0] = (golden.words[0] + 1) % golden.n_cols  # another first token
        golden.write(wrong)
        self.assertIn("FAIL", linnet("verify", model, wrong, status=1)[0])
        golden = Golden(folder / "golden.bin")
        golden.words[-2 * golden.n_greedy] ^= 1  # another greedy token
        golden.write(wrong)
        self.assertIn("FAIL", linnet("verify", model, wrong, status=1)[0])
        for damage in (b"", b"GLDX", (folder / "golden.bin").read_bytes()[:-4]):
            wrong.write_bytes(damage)
            self.assertIn("golden.bin", linnet("verify", model, wrong, status=1)[1])

    def test_logits_are_those_of_the_golden(self):
        model, folder = self.goldens()[0]
        golden = Golden(folder / "golden.bin")
        out = self.folder / "out.bin"
        tokens = self.write_tokens(golden.tokens())
        linnet("logits", model, "--tokens", tokens, "--out", out, "--greedy", golden.n_greedy)
        made = Golden(out)
        self.assertEqual((made.header, made.tokens(), made.greedy()), (golden.header, golden.tokens(), golden.greedy()))
        self.assertIn("PASS", linnet("verify", model, out)[0])

    def test_logits_do_not_depend_on_how_they_are_computed(self):
        tokens = self.write_tokens([(i * 37) % 512 for i in range(100)])
        for shape, form in (("tiny-gemma3", "Q4_K_M"), ("tiny-phi3", "Q5_0"), ("tiny-llama", "F16")):
            model = self.synth(shape, form)
            out = self.folder / "out.bin"
            results = set()
            for more in ((), ("-t", 2), ("--chunk", 7), ("--isa", "scalar"), ("--mapped",)):
                linnet("logits", model, "--tokens", tokens, "--out", out, "--greedy", 8, *more)
                results.add(out.read_bytes())
            self.assertEqual(len(results), 1, (shape, form))

    def test_wrong_tokens(self):
        model = self.synth()
        out = self.folder / "out.bin"
        for content in ("", "1 2 x", "1 2.5", "-1", "512", "99999999999"):
            path = self.folder / "tokens.txt"
            path.write_text(content, encoding="ascii")
            self.assertRegex(linnet("logits", model, "--tokens", path, "--out", out, status=2)[1], r"^linnet: ")
        path = self.write_tokens(range(9))
        self.assertIn("--ctx", linnet("logits", model, "--tokens", path, "--out", out, "-c", 8, status=2)[1])

    def test_perplexity_is_that_of_the_card(self):
        text = self.shared("default-model/eval_stories.txt")
        card = (SHARED / "default-model" / "MODEL_CARD.md").read_text(encoding="utf-8")
        expected = float(re.search(r"tiny-tales-6m-Q8_0\.gguf \| \d+ \| ([\d.]+) ", card)[1])
        found = linnet_json("perplexity", self.small_model(), "-f", text, "-c", 512, "--json")
        self.assertAlmostEqual(found["perplexity"], expected, delta=expected / 100)

    def test_perplexity_needs_two_windows(self):
        text = self.folder / "text.txt"
        text.write_text("too short", encoding="ascii")
        self.assertIn("too few", linnet("perplexity", self.small_model(), "-f", text, status=2)[1])


class Quantize(Case):
    def quantize(self, source, form, *more, out="out.gguf", status=0):
        path = self.folder / out
        return path, linnet("quantize", source, path, form, *more, status=status)

    def types(self, path):
        return {tensor["name"]: tensor["type"] for tensor in linnet_json("inspect", path, "--json")["tensors"]}

    def test_the_small_model_in_fewer_bits_still_writes(self):
        model = self.small_model()
        before = linnet_json("inspect", model, "--json")
        path, (out, err) = self.quantize(model, "q4_k_m", "--allow-requantize", "-t", 2)
        after = linnet_json("inspect", path, "--json")
        self.assertEqual(err, "")
        self.assertIn("80 tensors: 37 F32, 38 Q4_K, 5 Q6_K\n", out)
        self.assertEqual([t["name"] for t in before["tensors"]], [t["name"] for t in after["tensors"]])
        changed = {key for key in before["metadata"] if before["metadata"][key] != after["metadata"][key]}
        self.assertEqual(changed, {"general.file_type"})
        self.assertEqual(after["metadata"]["general.file_type"], 15)
        self.assertEqual(list(before["metadata"]), list(after["metadata"]))
        text = linnet("run", "-m", path, "-p", "Once upon a time, there was a little fox", "-n", 24)[0]
        self.assertGreater(len(text.split()), 8)
        # Half a step of 16, spread evenly, is 7 % of what a normal distribution fills; of 64 a fourth of that.
        limits = {"Q4_K": 0.08, "Q6_K": 0.02}
        lines = [json.loads(line) for line in linnet("compare", model, path, "--json")[0].splitlines()]
        self.assertEqual(len(lines), 43)
        for line in lines:
            self.assertLess(line["relative_rms"][0], limits[line["types"][0]], line["tensor"])
            self.assertGreater(line["relative_rms"][0], limits[line["types"][0]] / 2, line["tensor"])

    def test_threads_splits_and_instruction_sets_do_not_matter(self):
        source = self.synth("tiny-llama", "F16")
        first, _ = self.quantize(source, "IQ4_XS", "-t", 1)
        second, _ = self.quantize(source, "IQ4_XS", "-t", 2, "--isa", "scalar", out="second.gguf")
        self.assertEqual(first.read_bytes(), second.read_bytes())
        linnet("quantize", source, self.folder / "parts.gguf", "IQ4_XS", "--split-max-size", "300K")
        parts = sorted(self.folder.glob("parts-*.gguf"))
        self.assertGreater(len(parts), 2)
        self.assertEqual(parts[0].name, f"parts-00001-of-{len(parts):05}.gguf")
        for part in parts:
            self.assertLess(part.stat().st_size, 330000)
        self.assertEqual(self.types(parts[0]), self.types(first))
        # Splits come in as well; copied into one file they are the same again.
        whole, _ = self.quantize(parts[0], "IQ4_XS", out="whole.gguf")
        self.assertEqual(whole.read_bytes(), first.read_bytes())
        self.assertEqual(list(self.folder.glob("*.partial")), [])

    def test_overrides_and_dry_run(self):
        source = self.synth("tiny-llama", "F16")
        more = ("--tensor", "*.attn_v.weight=q8_0", "--tensor", "output.weight=BF16")
        out, _ = self.quantize(source, "Q4_0", "--dry-run", *more)[1]
        self.assertFalse((self.folder / "out.gguf").exists())
        self.assertRegex(out, r"blk\.1\.attn_v\.weight +F16 -> Q8_0\n")
        types = self.types(self.quantize(source, "Q4_0", *more)[0])
        self.assertEqual((types["blk.0.attn_v.weight"], types["output.weight"], types["blk.0.attn_k.weight"]),
                         ("Q8_0", "BF16", "Q4_0"))
        for name, form in re.findall(r"^(\S+) +F\d+ -> (\S+)$", out, re.MULTILINE):
            self.assertEqual(types[name], form, name)

    def test_importance_is_noted(self):
        source, plain = self.small_model(), self.folder / "plain.gguf"
        importance = ROOT / "tests" / "fixtures" / "quantize" / "importance.dat"
        linnet("quantize", source, plain, "Q4_0", "--allow-requantize")
        self.assertIn("none of the model's tensors", linnet("quantize", self.synth("tiny-phi3", "F16"), plain, "Q4_0",
                                                            "--imatrix", importance, status=2)[1])
        path, _ = self.quantize(source, "Q4_0", "--allow-requantize", "--imatrix", importance)
        self.assertEqual(linnet_json("inspect", path, "--json")["metadata"]["quantize.imatrix.entries_count"], 3)
        differ = [line for line in linnet("compare", plain, path, "--json")[0].splitlines()]
        self.assertEqual([json.loads(line)["tensor"] for line in differ],
                         ["blk.0.attn_v.weight", "blk.2.attn_output.weight", "blk.5.attn_k.weight"])

    def test_what_fails_leaves_nothing(self):
        source = self.synth("tiny-llama", "F32")
        data = bytearray(source.read_bytes())
        data[-4:] = struct.pack("<f", float("nan"))  # the end of output.weight
        source.write_bytes(data)
        path, (_, err) = self.quantize(source, "Q4_0", status=1)
        self.assertRegex(err, r"^linnet: tensor 'output\.weight': weight \d+ of row \d+ is nan")
        self.assertEqual(list(self.folder.iterdir()), [source])
        path.write_bytes(b"mine")
        self.quantize(source, "Q4_0", status=1)
        self.assertEqual(path.read_bytes(), b"mine")

    def test_an_interrupt_leaves_nothing(self):
        # 2 G zeros in a file with a hole: seconds of work.
        source, n = self.folder / "zeros.gguf", 1 << 31
        text = lambda value: struct.pack("<Q", len(value)) + value
        source.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text(b"general.architecture") +
                           struct.pack("<I", 8) + text(b"test") + text(b"t.weight") +
                           struct.pack("<IQQIQ", 2, 4096, n // 4096, 1, 0))
        with source.open("r+b") as file:
            file.truncate((source.stat().st_size + 31) // 32 * 32 + 2 * n)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([PROGRAM, "quantize", source, self.folder / "out.gguf", "Q8_0"],
                                       stderr=subprocess.PIPE)
            while process.poll() is None and not (self.folder / "out.gguf.partial").exists():
                time.sleep(0.01)
            process.send_signal(number)
            self.assertEqual(process.communicate(timeout=60)[1], b"linnet: interrupted: nothing was written\n")
            self.assertEqual(process.returncode, 1)
            self.assertEqual(list(self.folder.iterdir()), [source])

    def test_wrong_requests(self):
        source = self.synth("tiny-llama", "Q8_0")
        before = source.read_bytes()
        self.assertIn("--allow-requantize", self.quantize(source, "Q4_0", status=2)[1][1])
        self.assertIn("overwrite", linnet("quantize", source, source, "Q8_0", status=2)[1])
        self.assertIn("not a regular file", linnet("quantize", source, self.folder, "Q8_0", status=2)[1])
        self.assertIn("PATTERN=FORMAT", self.quantize(source, "Q8_0", "--tensor", "attn_v", status=2)[1][1])
        self.assertIn("TQ9", self.quantize(source, "Q8_0", "--tensor", "*=TQ9", status=2)[1][1])
        self.assertIn("matches no tensor", self.quantize(source, "Q8_0", "--tensor", "attn_v=Q4_0", status=1)[1][1])
        self.assertIn("importance", self.quantize(source, "Q8_0", "--imatrix", __file__, status=1)[1][1])
        self.quantize(source, "Q9_K", status=2)
        self.assertEqual(source.read_bytes(), before)
        self.assertEqual(list(self.folder.iterdir()), [source])
        other = self.synth("tiny-qwen3", "Q8_0")
        self.assertRegex(linnet("compare", source, other, status=1)[1], r"tensor '\S+' is missing or has another shape")
        self.assertEqual(linnet("compare", source, source)[0], "")


class Speed(Case):
    def test_bench(self):
        model = self.synth("tiny-qwen3", "Q4_0")
        found = linnet_json("bench", model, "-p", 16, "-n", 4, "-d", 8, "-r", 2, "-t", 1, "--json")
        for key in ("prefill_tps", "decode_tps", "load_ms", "peak_rss_bytes", "int8_tops", "f32_tflops", "read_gbps",
                    "prefill_share", "decode_share"):
            self.assertGreater(found[key], 0, key)
        self.assertIn(found["isa"], ("scalar", "avx2", "avxvnni", "avx512vnni", "neon", "dotprod", "i8mm"))
        # All matrices but none of the norms: Q4_0 layers and the Q6_K embedding, which is the output as well.
        self.assertEqual(found["weight_bytes_per_token"],
                         sum(tensor["bytes"] for tensor in linnet_json("inspect", model, "--json")["tensors"]
                             if len(tensor["shape"]) == 2))
        # Position 10 looks back over one tile of 64 positions, keys and values in F16.
        spec = linnet_json("inspect", model, "--json")["metadata"]
        self.assertEqual(found["cache_bytes_per_token"], 64 * 2 * 2 * spec["qwen3.block_count"]
                         * spec["qwen3.attention.head_count_kv"] * spec["qwen3.attention.key_length"])

    def test_bench_profile_adds_up(self):
        model = self.synth("tiny-llama", "Q8_0")
        found = linnet_json("bench", model, "-p", 64, "-n", 16, "-r", 5, "-t", 1, "--profile", "--json")["profile"]
        for kind, split in found.items():
            parts = split["parts_ms"]
            self.assertEqual(set(parts), {"embedding", "norms", "qkv", "store", "attention", "attention_output",
                                          "gate_up", "down", "output", "choice"})
            for part, ms in parts.items():
                self.assertGreater(ms, 0, f"{part} of {kind}")
            self.assertLessEqual(sum(parts.values()), split["ms"], kind)
            self.assertGreater(sum(parts.values()), 0.95 * split["ms"], kind)
        self.assertEqual(set(found), {"prefill", "decode"})
        out, _ = linnet("bench", model, "-p", 0, "-n", 4, "-r", 1, "-t", 1, "--profile")
        self.assertRegex(out, r"(?s)a token takes .* ms:\n.*  gate, up, activation +[\d.]+ ms +[\d.]+ %\n")
        self.assertNotIn("a prompt of", out)
        self.assertEqual(linnet_json("bench", model, "-p", 0, "-n", 1, "-r", 1, "--json")["profile"], {})

    def test_bench_says_which_kernels_run(self):
        model = self.synth("tiny-qwen3", "Q4_0")
        def bench(*more):
            return linnet_json("bench", model, "-p", 2, "-n", 0, "-r", 1, "-t", 1, "--json", *more)
        found = bench()
        choice = found["isa_choice"]
        self.assertEqual(choice["available"][0], found["isa"])
        self.assertEqual(choice["available"][-1], "scalar")
        self.assertTrue(choice["reason"])
        self.assertLessEqual(set(choice["kernels"].values()), set(choice["available"]))
        self.assertIn("matmul.q4_0", choice["kernels"])
        self.assertIn("attention.q8", choice["kernels"])
        self.assertNotIn("matmul.q8_0", choice["kernels"])  # not in the file
        scalar = bench("--isa", "scalar")
        self.assertEqual(scalar["isa_choice"]["reason"], "asked for by name")
        self.assertEqual(set(scalar["isa_choice"]["kernels"].values()), {"scalar"})
        for isa in choice["available"]:
            if isa in ("avxvnni", "neon_dotprod"):  # both lean on the set before them
                out, _ = linnet("bench", model, "-p", 2, "-n", 0, "-r", 1, "-t", 1, "--isa", isa)
                self.assertRegex(out, rf"kernels: {isa}, but (avx2|neon): .*rms_norm")

    def test_bench_computes_through_a_host(self):
        model = self.synth()
        found = linnet_json("bench", model, "-p", 64, "-n", 8, "-r", 1, "-t", 3, "--host-threads", "--json")
        self.assertEqual((found["threads"], found["n_threads"]), ("host", 3))
        self.assertGreater(found["decode_tps"], 0)
        self.assertEqual(linnet_json("bench", model, "-p", 2, "-n", 0, "-r", 1, "--json")["threads"], "own")

    def test_bench_reads_like_a_list(self):
        out, _ = linnet("bench", self.synth(), "-p", 0, "-n", 2, "-r", 1, "--isa", "scalar")
        self.assertIn("decode of 2", out)
        self.assertNotIn("prefill", out)
        self.assertIn("scalar", out)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop()
    unittest.main()
