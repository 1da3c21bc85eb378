# SPDX-License-Identifier: MIT
"""The module against the small model that comes with Linnet: linnet_test.py [unittest options]. What is expected
follows from other calls or from arithmetic, never from a text that the model once wrote."""

import gc
import pathlib
import threading
import unittest

import linnet

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models/tiny-tales-6m-Q8_0.gguf"
CHAT = {"messages": [{"role": "user", "content": "Tell me a story."}]}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {
    "properties": {"where": {"enum": ["left", "right"]}}, "required": ["where"], "additionalProperties": False}}}]


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = linnet.Engine(n_threads=1)
        cls.model = linnet.Model(cls.engine, MODEL)

    def setUp(self):
        gc.collect()
        self.used = self.engine.info().memory_used
        self.addCleanup(self.check_memory)
        self.session = linnet.Session(self.model, n_ctx=256)
        self.addCleanup(self.session.close)

    def check_memory(self):
        """What a test made and dropped was given back; a first grammar leaves the model's index of its vocabulary."""
        gc.collect()
        if "grammar" not in self.id() and "tool" not in self.id():
            self.assertEqual(self.engine.info().memory_used, self.used)

    def assertFails(self, status, action, *arguments, **options):
        with self.assertRaises(linnet.Error) as caught:
            action(*arguments, **options)
        self.assertEqual(caught.exception.status, status)
        return str(caught.exception)

    def generate(self, max_tokens=0):
        return "".join(self.session.stream(max_tokens))

    def reason(self):
        while True:
            event = self.session.step()
            if event.kind == linnet.EVENT_DONE:
                return event.reason

    def test_conversation(self):
        self.assertEqual(self.session.append_chat(CHAT), 0)
        tokens = self.session.tokens()
        self.assertEqual(self.model.render_chat(CHAT), self.model.detokenize(tokens))
        self.assertEqual(self.session.append_chat(CHAT), len(tokens))
        template = "<{{ messages[0].content }}>"
        self.assertEqual(self.model.render_chat(CHAT, template), "<Tell me a story.>")
        self.assertIn("/messages", self.assertFails(linnet.INVALID_ARGUMENT, self.session.append_chat,
                                                    {"messages": 1}))
        self.assertEqual(self.session.tokens(), tokens)

    def test_reply(self):
        self.session.append_chat(CHAT, "{{ messages[0].content }}<think>\n")
        with linnet.Reply(self.model, self.session, format="hermes") as reply:
            events = reply.feed("so</think>\n\nHi <tool_call>\n{\"name\": \"f\", \"argu")
            events += reply.feed("ments\": {\"a\": 1}}\n</tool_call>")
            events += reply.finish()
            self.assertRaises(linnet.Error, reply.feed, "more")
        self.assertEqual(events, [linnet.ReplyEvent(linnet.REPLY_REASONING, "so"),
                                  linnet.ReplyEvent(linnet.REPLY_TEXT, "Hi"),
                                  linnet.ReplyEvent(linnet.REPLY_TOOL_CALL, '{"a": 1}', 0, "f")])
        self.assertFails(linnet.NOT_FOUND, linnet.Reply, self.model, format="nonsense")

    def test_reply_of_tokens(self):
        with linnet.Reply(self.model) as reply:
            tokens = self.model.tokenize("Once upon a time")[1:]  # a reply has no BOS
            events = [event for token in tokens for event in reply.feed_token(token)]
            events += reply.finish()
        self.assertEqual({event.kind for event in events}, {linnet.REPLY_TEXT})
        self.assertEqual("".join(event.text for event in events).lstrip(), "Once upon a time")

    def test_grammars(self):
        self.session.set_sampler(linnet.Sampler(self.model, temperature=1.5, seed=1))
        self.session.append("Once")
        for kind, text, allowed in ((linnet.CHOICES, ["left", "right"], ("left", "right")),
                                    (linnet.REGEX, "a{3}|b", ("aaa", "b")),
                                    (linnet.GBNF, 'root ::= "x" [yz]', ("xy", "xz")),
                                    (linnet.JSON_SCHEMA_COMPACT, {"enum": [[1, True], {"a": None}]},
                                     ("[1,true]", '{"a":null}'))):
            self.session.set_grammar(linnet.Grammar(self.model, kind, text))  # the session keeps it
            length = len(self.session.tokens())
            self.assertIn(self.generate(), allowed)
            self.session.truncate(length)
            self.assertEqual(self.reason(), linnet.DONE_GRAMMAR)
            self.session.truncate(length)
        self.session.set_grammar(None)
        self.assertTrue(self.generate(4))
        self.assertFails(linnet.INVALID_ARGUMENT, linnet.Grammar, self.model, linnet.REGEX, "(")

    def test_tools(self):
        grammar = linnet.Grammar.of_tools(self.model, TOOLS, format="hermes")
        self.session.append_chat(CHAT)
        self.session.append(grammar.opening())
        self.session.set_sampler(linnet.Sampler(self.model, temperature=1.5, seed=2))
        self.session.set_grammar(grammar)
        with linnet.Reply(self.model, tools=TOOLS, format="hermes") as reply:
            events = reply.feed(grammar.opening() + self.generate(200)) + reply.finish()
        self.assertEqual([(event.kind, event.name) for event in events], [(linnet.REPLY_TOOL_CALL, "look")])
        self.assertIn(events[0].text, ('{"where": "left"}', '{"where": "right"}'))

    def test_stops(self):
        self.session.append("Once upon a time")
        length = len(self.session.tokens())
        text = self.generate(40)
        stop = text.split()[len(text.split()) // 2]
        self.session.truncate(length)
        self.session.set_stops([stop])
        self.assertEqual(self.generate(40), text[:text.index(stop)])
        self.session.truncate(length)
        self.assertEqual(self.reason(), linnet.DONE_STOP)

    def test_logprobs_and_scores(self):
        self.session.append("Once upon a time")
        while self.session.step().kind != linnet.EVENT_TOKEN:
            pass
        chosen, top = self.session.logprobs(3)
        self.assertEqual(top[0], chosen)  # greedy
        self.assertEqual(sorted(top, key=lambda each: -each[1]), top)
        length = len(self.session.tokens()) - 1
        self.session.truncate(length)
        scores = self.session.score([self.model.detokenize([token]) for token, _ in top])
        for score, (_, logprob) in zip(scores, top):
            self.assertAlmostEqual(score, logprob, places=4)
        self.assertEqual(len(self.session.tokens()), length)

    def test_fill_in(self):
        # The small model has no tokens for it.
        self.assertFails(linnet.UNSUPPORTED, self.session.append_fim, "Once upon", "time")
        self.assertEqual(self.session.tokens(), [])

    def test_vectors(self):
        vectors = self.model.embed(["a fox", "a very different text"], pooling=linnet.POOLING_MEAN)
        self.assertEqual(len(vectors), 2)
        for vector in vectors:
            self.assertAlmostEqual(sum(x * x for x in vector), 1, places=4)
        self.assertEqual(self.model.embed(["a fox"], pooling=linnet.POOLING_MEAN), vectors[:1])
        self.assertEqual(self.model.embed([], pooling=linnet.POOLING_MEAN), [])
        self.assertFails(linnet.CONTEXT_FULL, self.model.embed, ["a very long text"], pooling=linnet.POOLING_MEAN,
                         n_ctx=2)

    def story(self, **options):
        self.session.truncate(0)
        self.session.append("Once upon a time")
        self.session.set_sampler(linnet.Sampler(self.model, **options))
        return self.generate(40)

    def test_sampler(self):
        greedy = self.story()
        word = greedy.split()[0]
        self.assertNotIn(word, self.story(banned=[word]))
        # top_k = 1 first leaves nothing to choose; switched off by an order without it, it leaves everything.
        narrow = {"temperature": 5.0, "top_k": 1, "seed": 4}
        self.assertEqual(self.story(**narrow), greedy)
        self.assertNotEqual(self.story(**narrow, stages=[linnet.STAGE_TEMPERATURE]), greedy)
        self.assertNotEqual(self.story(biases=[(self.model.tokenize(word)[-1], 1e6)]), greedy)
        self.assertNotEqual(self.story(dry_multiplier=100.0, dry_allowed_length=1), greedy)
        self.assertFails(linnet.INVALID_ARGUMENT, self.story, stages=[linnet.STAGE_TOP_K] * 2)
        self.assertRaises(TypeError, self.story, nonsense=1)
        self.session.set_sampler(None)

    def test_cancelling(self):
        self.session.append("Once upon a time")
        thread = threading.Thread(target=self.session.cancel)
        thread.start()
        thread.join()
        self.assertFails(linnet.CANCELLED, self.session.step)
        self.assertTrue(self.generate(8))


if __name__ == "__main__":
    unittest.main()
