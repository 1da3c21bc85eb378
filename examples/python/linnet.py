# SPDX-License-Identifier: MIT
"""Linnet from Python: ctypes over linnet.h, with nothing but the standard library.

    import linnet
    with linnet.Engine() as engine, linnet.Model(engine, "model.gguf") as model:
        session = linnet.Session(model)
        session.append("Once upon a time")
        for text in session.stream(64):
            print(text, end="", flush=True)

The library is looked for at LINNET_LIBRARY (a path), then as liblinnet.so.1 where the loader looks. A failed call
raises linnet.Error with the status. ctypes releases the interpreter's lock during calls, so that other Python threads
run meanwhile; Session.cancel() may be called from them, everything else of a session is for one thread at a time.
"""

import ctypes
import json
import os
from collections import namedtuple
from ctypes import POINTER, byref, c_char, c_char_p, c_float, c_int32, c_size_t, c_uint32, c_uint64, c_void_p

ABI_MAJOR = 1
OK = 0
INVALID_ARGUMENT, OUT_OF_MEMORY, IO, BAD_FILE, UNSUPPORTED, BUFFER_TOO_SMALL = range(1, 7)
CANCELLED, CONTEXT_FULL, NOT_FOUND, BUSY, STOPPED, INTERNAL = range(7, 13)
EVENT_PROGRESS, EVENT_TOKEN, EVENT_DONE, EVENT_BUDGET = range(1, 5)
WEIGHTS_PACKED, WEIGHTS_MAPPED = 0, 1
KV_F16, KV_F32, KV_Q8_0 = 0, 1, 2
DONE_END_TOKEN, DONE_CONTEXT_FULL, DONE_MAX_TOKENS, DONE_GRAMMAR, DONE_STOP = range(1, 6)
POOLING_DEFAULT, POOLING_NONE, POOLING_MEAN, POOLING_CLS, POOLING_LAST, POOLING_RANK = range(6)
JSON_SCHEMA, JSON_SCHEMA_COMPACT, GBNF, REGEX, CHOICES = range(1, 6)
(STAGE_PENALTIES, STAGE_DRY, STAGE_TOP_N_SIGMA, STAGE_TOP_K, STAGE_TYPICAL, STAGE_TOP_P, STAGE_MIN_P, STAGE_XTC,
 STAGE_TEMPERATURE) = range(1, 10)
REPLY_NONE, REPLY_TEXT, REPLY_REASONING, REPLY_TOOL_CALL, REPLY_WARNING = range(5)
_TOOLS_SEVERAL = 1

PROGRESS = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint64, c_uint64)


class _Sized(ctypes.Structure):
    """A struct of linnet.h: struct_size is set, the rest is zero but for the given fields."""

    def __init__(self, **fields):
        for name in fields:
            if name not in (field[0] for field in self._fields_):
                raise TypeError(f"{type(self).__name__} has no field {name}")
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class _ErrorStruct(_Sized):
    _fields_ = [("struct_size", c_uint32), ("status", c_int32), ("text", c_char * 504)]


class EngineOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("n_threads", c_uint32), ("alloc", c_void_p), ("free", c_void_p),
                ("alloc_user", c_void_p), ("memory_limit", c_uint64), ("log", c_void_p), ("log_user", c_void_p),
                ("parallel_for", c_void_p), ("parallel_user", c_void_p), ("isa", c_char_p)]


class EngineInfo(_Sized):
    _fields_ = [("struct_size", c_uint32), ("n_threads", c_uint32), ("isa", c_char_p), ("isas", c_char_p),
                ("memory_used", c_uint64), ("memory_peak", c_uint64), ("n_allocations", c_uint64)]


class ModelOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("weights", c_int32), ("progress", PROGRESS), ("progress_user", c_void_p),
                ("no_map", c_int32), ("reserved", c_int32)]


class ModelInfo(_Sized):
    _fields_ = [("struct_size", c_uint32), ("n_layers", c_uint32), ("d_model", c_uint32), ("n_heads", c_uint32),
                ("n_kv_heads", c_uint32), ("head_dim", c_uint32), ("d_ff", c_uint32), ("n_vocab", c_uint32),
                ("n_ctx_train", c_uint32), ("n_metadata", c_uint32), ("n_parameters", c_uint64),
                ("file_size", c_uint64), ("architecture", c_char_p), ("name", c_char_p), ("format", c_char_p),
                ("n_embedding", c_uint32), ("pooling", c_int32), ("bidirectional", c_int32), ("reserved", c_uint32)]


class SessionOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("n_ctx", c_uint32), ("n_batch", c_uint32), ("kv_type", c_int32)]


class SamplerOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("top_k", c_uint32), ("temperature", c_float), ("top_p", c_float),
                ("min_p", c_float), ("repetition_penalty", c_float), ("frequency_penalty", c_float),
                ("presence_penalty", c_float), ("penalty_window", c_uint32), ("reserved", c_uint32),
                ("seed", c_uint64), ("biases", c_void_p), ("n_biases", c_size_t), ("typical_p", c_float),
                ("top_n_sigma", c_float), ("xtc_probability", c_float), ("xtc_threshold", c_float),
                ("temperature_range", c_float), ("temperature_exponent", c_float), ("mirostat_tau", c_float),
                ("mirostat_eta", c_float), ("dry_multiplier", c_float), ("dry_base", c_float),
                ("dry_allowed_length", c_uint32), ("dry_window", c_uint32), ("dry_breakers", c_void_p),
                ("n_dry_breakers", c_size_t), ("banned", c_void_p), ("n_banned", c_size_t), ("stages", c_void_p),
                ("n_stages", c_size_t)]


class EmbedOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("pooling", c_int32), ("n_ctx", c_uint32), ("flags", c_uint32),
                ("truncate", c_int32), ("no_normalise", c_int32), ("progress", PROGRESS), ("progress_user", c_void_p)]


class _Text(ctypes.Structure):
    _fields_ = [("data", c_char_p), ("size", c_size_t)]


class _Bias(ctypes.Structure):
    _fields_ = [("token", c_int32), ("bias", c_float)]


class _Logprob(ctypes.Structure):
    _fields_ = [("token", c_int32), ("logprob", c_float)]


class _ChatOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("reserved", c_uint32), ("chat_template", _Text)]


class _ReplyOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("reserved", c_uint32), ("format", _Text), ("chat_template", _Text),
                ("tools", _Text), ("session", c_void_p)]


class _ReplyEvent(_Sized):
    _fields_ = [("struct_size", c_uint32), ("kind", c_int32), ("index", c_uint32), ("reserved", c_uint32),
                ("text", c_void_p), ("text_size", c_size_t), ("name", c_void_p), ("name_size", c_size_t),
                ("id", c_void_p), ("id_size", c_size_t)]


class _ToolOptions(_Sized):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("format", _Text), ("chat_template", _Text)]


class _Score(ctypes.Structure):
    _fields_ = [("logprob", ctypes.c_double), ("n_tokens", c_uint32), ("reserved", c_uint32)]


def _text_of(text):
    """A text, or none."""
    data = text.encode() if text is not None else None
    return _Text(data, len(data) if data is not None else 0)


def _texts(texts):
    return (_Text * len(texts))(*map(_text_of, texts))


def _json(value):
    """JSON is given as text or as what json.dumps takes."""
    return (value if isinstance(value, str) else json.dumps(value)).encode()


class Event(_Sized):
    _fields_ = [("struct_size", c_uint32), ("kind", c_int32), ("token", c_int32), ("reason", c_int32),
                ("_text", c_void_p), ("text_size", c_size_t), ("n_past", c_uint32), ("n_pending", c_uint32)]

    @property
    def text(self):
        """Complete characters; valid until the next call on the session."""
        return ctypes.string_at(self._text, self.text_size).decode() if self.text_size else ""


class Error(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


# Arguments of each function, without the error that comes last where the function returns a status.
_p = c_void_p
_SIGNATURES = {
    "linnet_engine_create": [POINTER(EngineOptions), POINTER(_p)],
    "linnet_engine_get_info": [_p, POINTER(EngineInfo)],
    "linnet_model_load": [_p, c_char_p, POINTER(ModelOptions), POINTER(_p)],
    "linnet_model_get_info": [_p, POINTER(ModelInfo)],
    "linnet_model_get_metadata": [_p, c_char_p, c_char_p, c_size_t, POINTER(c_size_t)],
    "linnet_tokenize": [_p, c_char_p, c_size_t, c_uint32, POINTER(c_int32), c_size_t, POINTER(c_size_t)],
    "linnet_detokenize": [_p, POINTER(c_int32), c_size_t, c_uint32, c_char_p, c_size_t, POINTER(c_size_t)],
    "linnet_embed": [_p, POINTER(EmbedOptions), POINTER(_Text), c_size_t, POINTER(c_float), c_size_t,
                     POINTER(c_size_t)],
    "linnet_model_render_chat": [_p, c_char_p, c_size_t, POINTER(_ChatOptions), c_char_p, c_size_t, POINTER(c_size_t)],
    "linnet_sampler_create": [_p, POINTER(SamplerOptions), POINTER(_p)],
    "linnet_grammar_create": [_p, c_int32, c_char_p, c_size_t, POINTER(_p)],
    "linnet_grammar_create_tools": [_p, c_char_p, c_size_t, POINTER(_ToolOptions), POINTER(_p)],
    "linnet_grammar_get_opening": [_p, c_char_p, c_size_t, POINTER(c_size_t)],
    "linnet_reply_create": [_p, POINTER(_ReplyOptions), POINTER(_p)],
    "linnet_reply_feed": [_p, c_char_p, c_size_t],
    "linnet_reply_feed_token": [_p, c_int32],
    "linnet_reply_finish": [_p],
    "linnet_reply_next": [_p, POINTER(_ReplyEvent)],
    "linnet_session_set_grammar": [_p, _p],
    "linnet_session_set_stops": [_p, POINTER(_Text), c_size_t, POINTER(c_int32), c_size_t],
    "linnet_score": [_p, POINTER(_Text), c_size_t, c_uint32, POINTER(_Score)],
    "linnet_session_create": [_p, POINTER(SessionOptions), POINTER(_p)],
    "linnet_session_append_text": [_p, c_char_p, c_size_t, c_uint32],
    "linnet_session_append_tokens": [_p, POINTER(c_int32), c_size_t],
    "linnet_session_append_chat": [_p, c_char_p, c_size_t, POINTER(_ChatOptions), POINTER(c_size_t)],
    "linnet_session_append_fim": [_p, c_char_p, c_size_t, c_char_p, c_size_t],
    "linnet_session_set_sampler": [_p, _p],
    "linnet_session_step": [_p, c_uint64, POINTER(Event)],
    "linnet_session_prefill": [_p, c_uint64, POINTER(Event)],
    "linnet_session_get_logits": [_p, POINTER(POINTER(c_float)), POINTER(c_size_t)],
    "linnet_session_get_logprobs": [_p, POINTER(_Logprob), POINTER(_Logprob), c_size_t],
    "linnet_session_get_tokens": [_p, POINTER(POINTER(c_int32)), POINTER(c_size_t)],
    "linnet_session_truncate": [_p, c_size_t],
}
_VOID = ["linnet_engine_destroy", "linnet_model_destroy", "linnet_sampler_destroy", "linnet_session_destroy",
         "linnet_session_cancel", "linnet_grammar_destroy", "linnet_reply_destroy"]


def _open():
    library = ctypes.CDLL(os.environ.get("LINNET_LIBRARY", "liblinnet.so.1"))
    library.linnet_abi_version.restype = c_uint32
    if library.linnet_abi_version() >> 16 != ABI_MAJOR:
        raise ImportError("liblinnet has another ABI than this module")
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments + [POINTER(_ErrorStruct)], c_int32
    for name in _VOID:
        function = getattr(library, name)
        function.argtypes, function.restype = [_p], None
    library.linnet_version.restype = c_char_p
    return library


_library = _open()


def version():
    return _library.linnet_version().decode()


def _call(name, *arguments):
    error = _ErrorStruct()
    status = getattr(_library, name)(*arguments, byref(error))
    if status != OK:
        raise Error(status, error.text.decode(errors="replace"))


class _Handle:
    """Owns a handle; `close` or the garbage collector gives it back, in any order."""

    _destroy = None

    def __init__(self, create, *arguments):
        self._handle = None
        handle = c_void_p()
        _call(create, *arguments, byref(handle))
        self._handle = handle

    def close(self):
        handle, self._handle = getattr(self, "_handle", None), None
        if handle is not None:
            getattr(_library, self._destroy)(handle)

    def __del__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Engine(_Handle):
    """options: fields of linnet_engine_options, such as n_threads=2, memory_limit=1 << 30, isa=b"avx2"."""

    _destroy = "linnet_engine_destroy"

    def __init__(self, **options):
        super().__init__("linnet_engine_create", byref(EngineOptions(**options)))

    def info(self):
        result = EngineInfo()
        _call("linnet_engine_get_info", self._handle, byref(result))
        return result


class Model(_Handle):
    """progress(done, total), if given, may return True to cancel; options: fields of linnet_model_options."""

    _destroy = "linnet_model_destroy"

    def __init__(self, engine, path, progress=None, **options):
        if progress is not None:
            options["progress"] = PROGRESS(lambda _, done, total: int(bool(progress(done, total))))
        given = ModelOptions(**options)  # keeps the callback during the call
        super().__init__("linnet_model_load", engine._handle, os.fsencode(path), byref(given))

    def info(self):
        """Valid as long as the model."""
        result = ModelInfo()
        _call("linnet_model_get_info", self._handle, byref(result))
        return result

    def metadata(self, key):
        return _text(1, "linnet_model_get_metadata", self._handle, key.encode())

    def tokenize(self, text, flags=0):
        data = text.encode()
        n = c_size_t(len(data) + 8)
        while True:
            tokens = (c_int32 * n.value)()
            try:
                _call("linnet_tokenize", self._handle, data, len(data), flags, tokens, len(tokens), byref(n))
                return list(tokens[:n.value])
            except Error as error:
                if error.status != BUFFER_TOO_SMALL:
                    raise

    def detokenize(self, tokens, flags=0):
        return _text(0, "linnet_detokenize", self._handle, (c_int32 * len(tokens))(*tokens), len(tokens), flags)

    def render_chat(self, conversation, chat_template=None):
        """The text of a conversation, as JSON or as a dictionary of that shape (linnet.h). chat_template: Jinja source
        or the name of a built-in template, in place of the model's."""
        data, options = _json(conversation), _ChatOptions(chat_template=_text_of(chat_template))
        return _text(0, "linnet_model_render_chat", self._handle, data, len(data), byref(options))

    def embed(self, texts, **options):
        """A vector of each text, or its scores; options: fields of linnet_embed_options, pooling but POOLING_NONE."""
        given, data, n = EmbedOptions(**options), _texts(texts), c_size_t()
        vectors = (c_float * 0)()
        try:
            _call("linnet_embed", self._handle, byref(given), data, len(data), vectors, 0, byref(n))
            return []
        except Error as error:
            if error.status != BUFFER_TOO_SMALL:
                raise
        vectors = (c_float * n.value)()
        _call("linnet_embed", self._handle, byref(given), data, len(data), vectors, n, byref(n))
        width = n.value // len(data)
        return [list(vectors[i:i + width]) for i in range(0, n.value, width)]


def _text(terminator, name, *arguments):
    """Asks for the size, then for the text."""
    size = c_size_t()
    try:
        _call(name, *arguments, None, 0, byref(size))
        return ""
    except Error as error:
        if error.status != BUFFER_TOO_SMALL:
            raise
    buffer = ctypes.create_string_buffer(size.value + terminator)
    _call(name, *arguments, buffer, len(buffer), byref(size))
    return buffer.raw[:size.value].decode(errors="replace")


class Sampler(_Handle):
    """options: fields of linnet_sampler_options, such as temperature=0.7, top_p=0.9, seed=1. Lists are lists here:
    banned=["a text"], dry_breakers=["\\n"], stages=[STAGE_TOP_K, STAGE_TEMPERATURE], biases=[(token, bias)]."""

    _destroy = "linnet_sampler_destroy"

    def __init__(self, model, biases=(), dry_breakers=(), banned=(), stages=(), **options):
        lists = {"biases": (_Bias * len(biases))(*biases), "dry_breakers": _texts(dry_breakers),
                 "banned": _texts(banned), "stages": (c_int32 * len(stages))(*stages)}
        for name, values in lists.items():
            options[name], options["n_" + name] = ctypes.cast(values, c_void_p), len(values)
        super().__init__("linnet_sampler_create", model._handle, byref(SamplerOptions(**options)))


class Grammar(_Handle):
    """What text may be generated. kind: JSON_SCHEMA, JSON_SCHEMA_COMPACT, GBNF, REGEX, CHOICES; schemas and choices may
    be given as what json.dumps takes."""

    _destroy = "linnet_grammar_destroy"

    def __init__(self, model, kind, text):
        data = _json(text)
        super().__init__("linnet_grammar_create", model._handle, kind, data, len(data))

    @classmethod
    def of_tools(cls, model, tools, several=False, format=None, chat_template=None):
        """A call of one of the tools of a conversation, as the model writes it; several: or more."""
        data = _json(tools)
        options = _ToolOptions(flags=_TOOLS_SEVERAL * several, format=_text_of(format),
                               chat_template=_text_of(chat_template))
        grammar = cls.__new__(cls)
        _Handle.__init__(grammar, "linnet_grammar_create_tools", model._handle, data, len(data), byref(options))
        return grammar

    def opening(self):
        """Of a grammar of tools: what to append, and to feed to the Reply, before the grammar is set."""
        return _text(0, "linnet_grammar_get_opening", self._handle)


# kind: REPLY_*; of a tool call text is its arguments, a JSON object, and id is None when the model gave none.
ReplyEvent = namedtuple("ReplyEvent", "kind text index name id", defaults=(0, None, None))


class Reply(_Handle):
    """Reads what a model writes, while it writes it. Each piece gives a list of the ReplyEvents that it makes certain.
    format: name of the format of replies, else that of the chat template; session: the one that is about to reply."""

    _destroy = "linnet_reply_destroy"

    def __init__(self, model, session=None, tools=None, format=None, chat_template=None):
        options = _ReplyOptions(format=_text_of(format), chat_template=_text_of(chat_template),
                                session=session._handle if session is not None else None)
        if tools is not None:
            data = _json(tools)
            options.tools = _Text(data, len(data))
        super().__init__("linnet_reply_create", model._handle, byref(options))

    def feed(self, text):
        data = text.encode()
        _call("linnet_reply_feed", self._handle, data, len(data))
        return self._events()

    def feed_token(self, token):
        """Better than text where there are tokens: control tokens have none."""
        _call("linnet_reply_feed_token", self._handle, token)
        return self._events()

    def finish(self):
        """The reply is complete; nothing can be fed any more."""
        _call("linnet_reply_finish", self._handle)
        return self._events()

    def _events(self):
        events = []
        while True:
            event = _ReplyEvent()
            _call("linnet_reply_next", self._handle, byref(event))
            if event.kind == REPLY_NONE:
                return events
            text, name, id = (ctypes.string_at(data, size).decode() if size else ""
                              for data, size in ((event.text, event.text_size), (event.name, event.name_size),
                                                 (event.id, event.id_size)))
            if event.kind == REPLY_TOOL_CALL:
                events.append(ReplyEvent(event.kind, text, event.index, name, id or None))
            else:
                events.append(ReplyEvent(event.kind, text))


class Session(_Handle):
    """options: fields of linnet_session_options."""

    _destroy = "linnet_session_destroy"

    def __init__(self, model, sampler=None, **options):
        super().__init__("linnet_session_create", model._handle, byref(SessionOptions(**options)))
        if sampler is not None:
            _call("linnet_session_set_sampler", self._handle, sampler._handle)

    def set_sampler(self, sampler):
        _call("linnet_session_set_sampler", self._handle, sampler._handle if sampler is not None else None)

    def set_grammar(self, grammar):
        _call("linnet_session_set_grammar", self._handle, grammar._handle if grammar is not None else None)

    def set_stops(self, texts, tokens=()):
        _call("linnet_session_set_stops", self._handle, _texts(texts), len(texts),
              (c_int32 * len(tokens))(*tokens), len(tokens))

    def score(self, continuations, flags=0):
        """The log-probability of each continuation."""
        scores = (_Score * len(continuations))()
        _call("linnet_score", self._handle, _texts(continuations), len(continuations), flags, scores)
        return [score.logprob for score in scores]

    def append(self, text, flags=0):
        data = text.encode()
        _call("linnet_session_append_text", self._handle, data, len(data), flags)

    def append_tokens(self, tokens):
        _call("linnet_session_append_tokens", self._handle, (c_int32 * len(tokens))(*tokens), len(tokens))

    def append_chat(self, conversation, chat_template=None):
        """Makes the sequence the whole conversation (as in Model.render_chat); returns how many tokens were there."""
        data, options, n_reused = _json(conversation), _ChatOptions(chat_template=_text_of(chat_template)), c_size_t()
        _call("linnet_session_append_chat", self._handle, data, len(data), byref(options), byref(n_reused))
        return n_reused.value

    def append_fim(self, prefix, suffix):
        """A text with a gap; what is then generated belongs there."""
        before, after = prefix.encode(), suffix.encode()
        _call("linnet_session_append_fim", self._handle, before, len(before), after, len(after))

    def step(self, budget_us=0):
        event = Event()
        _call("linnet_session_step", self._handle, budget_us, byref(event))
        return event

    def stream(self, max_tokens=0):
        """Yields text as it becomes complete, until the model ends or max_tokens (0: no limit) were chosen."""
        n_tokens = 0
        while max_tokens == 0 or n_tokens < max_tokens:
            event = self.step()
            if event.text:
                yield event.text
            if event.kind == EVENT_DONE:
                return
            n_tokens += event.kind == EVENT_TOKEN

    def logprobs(self, n_top=0):
        """(token, log-probability) of the token chosen last, or None, and a list of the n_top most probable ones."""
        chosen, top = _Logprob(), (_Logprob * n_top)()
        _call("linnet_session_get_logprobs", self._handle, byref(chosen), top, n_top)
        return ((chosen.token, chosen.logprob) if chosen.token >= 0 else None,
                [(each.token, each.logprob) for each in top])

    def cancel(self):
        _library.linnet_session_cancel(self._handle)

    def truncate(self, n_tokens):
        _call("linnet_session_truncate", self._handle, n_tokens)

    def tokens(self):
        tokens, n = POINTER(c_int32)(), c_size_t()
        _call("linnet_session_get_tokens", self._handle, byref(tokens), byref(n))
        return tokens[:n.value]

    def logits(self):
        logits, n = POINTER(c_float)(), c_size_t()
        _call("linnet_session_get_logits", self._handle, byref(logits), byref(n))
        return logits[:n.value]
