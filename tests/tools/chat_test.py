#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# End-to-end checks of `linnet chat`. Usage: chat_test.py [unittest options] PROGRAM
import json
import signal
import subprocess
import sys
import unittest

import cli_test
from cli_test import SMALL_MODEL, linnet


class Chat(cli_test.Case):
    """A terminal is not needed: lines in, answers out."""

    QUESTION = "Tell me a story about a fox.\n"

    def chat(self, lines, *options, status=0):
        return linnet("chat", SMALL_MODEL, "--temp", 0, "-n", 20, *options, text=lines, status=status)

    def history(self, lines, *options):
        """The conversation as /history shows it, after what the answers wrote."""
        out, _ = self.chat(lines + "/system MARK\n/history\n", *options)
        return out[out.index("system: MARK\n") + len("system: MARK\n"):]

    def test_answers_and_remembers(self):
        out, err = self.chat(self.QUESTION)
        self.assertGreater(len(out), 20)
        self.assertEqual(out.count("\n"), 1)
        self.assertEqual(err, "")
        shown = self.history(self.QUESTION)
        self.assertEqual(shown, "user: " + self.QUESTION + "assistant: " + out)
        twice, _ = self.chat(self.QUESTION + "/retry\n")
        self.assertEqual(twice, out + out)
        again, _ = self.chat("Who are you?\n/undo\n" + self.QUESTION)
        self.assertTrue(again.endswith(out))

    def test_undo_and_reset(self):
        self.assertEqual(self.history(self.QUESTION + "/undo\n"), "")
        self.assertEqual(self.history("/system A\n" + self.QUESTION + "/reset\n"), "")
        _, err = self.chat("/undo\n", status=1)
        self.assertIn("nothing to undo", err)
        _, err = self.chat("/dance\n", status=1)
        self.assertIn("/dance", err)
        self.assertIn("/reset", self.chat("/help\n/quit\n" + self.QUESTION)[1])

    def test_save_and_load(self):
        path = self.folder / "conversation.json"
        self.chat(self.QUESTION + f"/save {path}\n", "--system", "Be kind.")
        saved = json.loads(path.read_text())["messages"]
        self.assertEqual([message["role"] for message in saved], ["system", "user", "assistant"])
        self.assertEqual(saved[0]["content"], "Be kind.")
        self.assertIn(self.QUESTION, self.history(f"/load {path}\n"))
        path.write_text('{"messages": [{"role": 3}]}')
        _, err = self.chat(f"/load {path}\n", status=1)
        self.assertIn("/messages/0/role", err)

    def test_history_of_any_conversation(self):
        path = self.folder / "conversation.json"
        parts = [{"type": "text", "text": "Hello"}]
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {}}}
        path.write_text(json.dumps({"messages": [{"role": "user", "content": parts},
                                                 {"role": "assistant", "content": None, "tool_calls": [call]}]}))
        template = self.folder / "template.jinja"
        template.write_text("{{ messages[0].content[0].text }}")
        shown = self.history(f"/load {path}\n", "--template", template)
        self.assertIn('"text":"Hello"', shown)
        self.assertIn('"name":"f"', shown)

    def test_what_is_no_utf8_is_kept_as_well_as_can_be(self):
        path = self.folder / "conversation.json"
        lines = b"/system \xff\n" + self.QUESTION.encode() + f"/save {path}\n".encode()
        done = subprocess.run([cli_test.PROGRAM, "chat", SMALL_MODEL, "--temp", "0", "-n", "5"], input=lines,
                              capture_output=True, timeout=600, check=True)
        self.assertEqual(done.stderr, b"")
        self.assertEqual(json.loads(path.read_text())["messages"][0]["content"], "\ufffd")

    def test_reasoning_is_no_answer(self):
        path = self.folder / "template.jinja"
        path.write_text("<|im_start|>user\n{{ messages[0].content }}<|im_end|>\n<|im_start|>assistant\n<think>")
        out, err = self.chat(self.QUESTION, "--template", path)
        self.assertEqual(out.strip(), "")
        self.assertGreater(len(err), 10)

    def test_errors(self):
        _, err = self.chat("/load " + str(SMALL_MODEL.parent) + "\n", status=1)
        self.assertIn("cannot read", err)
        path = self.folder / "other.json"
        path.write_text("[]")
        _, err = self.chat(f"/load {path}\n", status=1)
        self.assertIn('no "messages"', err)
        _, err = self.chat(self.QUESTION, "--template", "no_such_family", status=1)
        self.assertIn("no_such_family", err)
        _, err = self.chat(self.QUESTION * 10, "-c", 64, status=1)
        self.assertIn("context", err)

    def test_ctrl_c_stops_the_answer(self):
        path = self.folder / "template.jinja"
        path.write_text("{{ messages[-1].content }}")
        options = ("--temp", "1", "--seed", "1", "--template", path)
        full = linnet("chat", SMALL_MODEL, *options, text=self.QUESTION)[0]
        process = subprocess.Popen([cli_test.PROGRAM, "chat", SMALL_MODEL, *options], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdout.close)
        process.stdin.write(self.QUESTION.encode())
        process.stdin.flush()
        self.assertEqual(len(process.stdout.read(1)), 1)  # it answers
        process.send_signal(signal.SIGINT)
        process.stdin.write(b"/system MARK\n/history\n")
        process.stdin.close()
        out = process.stdout.read().decode()
        self.assertEqual(process.wait(60), 0)
        said = out[out.index("assistant: ") + len("assistant: "):]
        self.assertTrue(full.startswith(said.rstrip("\n")), said)


if __name__ == "__main__":
    cli_test.PROGRAM = sys.argv.pop()
    unittest.main()
