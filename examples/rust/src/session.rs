// SPDX-License-Identifier: MIT
//! Sessions: one token sequence each, used by one thread at a time.

use std::ptr::{null, null_mut, NonNull};
use std::sync::Arc;

use crate::call::{call, data, handle, text_at, texts, Result};
use crate::chat::Grammar;
use crate::model::{chat_options, Model};
use crate::sampler::Sampler;
use crate::sys;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Progress,
    Token,
    Done,
    Budget,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneReason {
    EndToken,
    ContextFull,
    MaxTokens,
    Grammar,
    Stop,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    /// -1 when the event has none.
    pub token: i32,
    /// Of `Done` events.
    pub reason: Option<DoneReason>,
    pub text: String,
    pub n_past: u32,
    pub n_pending: u32,
}

/// Natural logarithm, of the model's own distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logprob {
    pub token: i32,
    pub logprob: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Logprobs {
    /// None unless exactly one token follows those that the logits are of.
    pub chosen: Option<Logprob>,
    /// The most probable ones, best first.
    pub top: Vec<Logprob>,
}

/// How probable a continuation is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    pub logprob: f64,
    pub n_tokens: u32,
}

/// Destroys the session when neither the Session nor a Canceller needs it any more.
struct RawSession {
    raw: NonNull<sys::linnet_session>,
}
handle!(RawSession, linnet_session, linnet_session_destroy);
// Shared with Cancellers only, which do nothing but linnet_session_cancel.
unsafe impl Send for RawSession {}
unsafe impl Sync for RawSession {}

pub struct Session {
    inner: Arc<RawSession>,
}

/// Cancels a session's running or next step, from any thread.
#[derive(Clone)]
pub struct Canceller {
    inner: Arc<RawSession>,
}

impl Canceller {
    pub fn cancel(&self) {
        unsafe { sys::linnet_session_cancel(self.inner.raw.as_ptr()) }
    }
}

impl Session {
    /// n_ctx: positions that the session can hold; 0: the default.
    pub fn new(model: &Model, n_ctx: u32) -> Result<Session> {
        let options = sys::linnet_session_options { n_ctx, ..sys::linnet_session_options::new() };
        let mut raw = null_mut();
        call(|error| unsafe { sys::linnet_session_create(model.raw(), &options, &mut raw, error) })?;
        Ok(Session { inner: Arc::new(RawSession::adopt(raw)) })
    }

    fn raw(&mut self) -> *mut sys::linnet_session {
        self.inner.raw.as_ptr()
    }

    /// For calls that do not change it.
    pub(crate) fn shared(&self) -> *const sys::linnet_session {
        self.inner.raw.as_ptr()
    }

    pub fn canceller(&self) -> Canceller {
        Canceller { inner: self.inner.clone() }
    }

    /// Takes the sampler; the library keeps it with the session.
    pub fn set_sampler(&mut self, sampler: Sampler) -> Result<()> {
        let session = self.raw();
        call(|error| unsafe { sys::linnet_session_set_sampler(session, sampler.raw(), error) })
    }

    /// What is generated from here on; none: anything.
    pub fn set_grammar(&mut self, grammar: Option<&Grammar>) -> Result<()> {
        let session = self.raw();
        let grammar = grammar.map_or(null_mut(), Grammar::raw);
        call(|error| unsafe { sys::linnet_session_set_grammar(session, grammar, error) })
    }

    /// Texts and tokens that end a generation, in place of those set before.
    pub fn set_stops<T: AsRef<str>>(&mut self, list: &[T], tokens: &[i32]) -> Result<()> {
        let session = self.raw();
        let texts = texts(list);
        call(|error| unsafe {
            sys::linnet_session_set_stops(session, texts.as_ptr(), texts.len(), tokens.as_ptr(), tokens.len(), error)
        })
    }

    pub fn append(&mut self, text: &str) -> Result<()> {
        let session = self.raw();
        call(|error| unsafe { sys::linnet_session_append_text(session, data(text), text.len(), 0, error) })
    }

    pub fn append_tokens(&mut self, tokens: &[i32]) -> Result<()> {
        let session = self.raw();
        call(|error| unsafe { sys::linnet_session_append_tokens(session, tokens.as_ptr(), tokens.len(), error) })
    }

    /// Makes the sequence the whole conversation (JSON, see linnet.h); gives how many tokens of it were there already.
    /// chat_template: as in [`Model::render_chat`].
    pub fn append_chat(&mut self, conversation: &str, chat_template: Option<&str>) -> Result<usize> {
        let session = self.raw();
        let options = chat_options(chat_template);
        let mut n_reused = 0;
        call(|error| unsafe {
            let (json, size) = (data(conversation), conversation.len());
            sys::linnet_session_append_chat(session, json, size, &options, &mut n_reused, error)
        })?;
        Ok(n_reused)
    }

    /// Appends a text with a gap; what is then generated belongs there.
    pub fn append_fim(&mut self, prefix: &str, suffix: &str) -> Result<()> {
        let session = self.raw();
        call(|error| unsafe {
            let (before, after) = (data(prefix), data(suffix));
            sys::linnet_session_append_fim(session, before, prefix.len(), after, suffix.len(), error)
        })
    }

    /// Goes on until the next event; budget_us: the time after which it gives back `Budget`, 0: none.
    pub fn step(&mut self, budget_us: u64) -> Result<Event> {
        let session = self.raw();
        let mut event = sys::linnet_event::new();
        call(|error| unsafe { sys::linnet_session_step(session, budget_us, &mut event, error) })?;
        Ok(Event {
            kind: match event.kind {
                sys::LINNET_EVENT_TOKEN => EventKind::Token,
                sys::LINNET_EVENT_DONE => EventKind::Done,
                sys::LINNET_EVENT_BUDGET => EventKind::Budget,
                _ => EventKind::Progress,
            },
            token: event.token,
            reason: match event.reason {
                sys::LINNET_DONE_END_TOKEN => Some(DoneReason::EndToken),
                sys::LINNET_DONE_CONTEXT_FULL => Some(DoneReason::ContextFull),
                sys::LINNET_DONE_MAX_TOKENS => Some(DoneReason::MaxTokens),
                sys::LINNET_DONE_GRAMMAR => Some(DoneReason::Grammar),
                sys::LINNET_DONE_STOP => Some(DoneReason::Stop),
                _ => None,
            },
            // Valid until the next call on the session.
            text: unsafe { text_at(event.text, event.text_size) },
            n_past: event.n_past,
            n_pending: event.n_pending,
        })
    }

    /// The text of up to max_tokens tokens (0: until the model ends), as it becomes complete.
    pub fn stream(&mut self, max_tokens: u32) -> Stream<'_> {
        Stream { session: self, left: if max_tokens == 0 { u32::MAX } else { max_tokens }, done: false }
    }

    /// After a `Token` event: what the model thought of the token, and of the n_top most probable ones.
    pub fn logprobs(&mut self, n_top: usize) -> Result<Logprobs> {
        let session = self.raw();
        let mut chosen = sys::linnet_logprob { token: -1, logprob: 0.0 };
        let mut top = vec![chosen; n_top];
        call(|error| unsafe {
            sys::linnet_session_get_logprobs(session, &mut chosen, top.as_mut_ptr(), n_top, error)
        })?;
        let ours = |given: sys::linnet_logprob| Logprob { token: given.token, logprob: given.logprob };
        Ok(Logprobs {
            chosen: (chosen.token >= 0).then(|| ours(chosen)),
            top: top.into_iter().map(ours).collect(),
        })
    }

    /// How probable each continuation is after the sequence, which is afterwards what it was.
    pub fn score<T: AsRef<str>>(&mut self, continuations: &[T]) -> Result<Vec<Score>> {
        let session = self.raw();
        let texts = texts(continuations);
        let mut scores = vec![sys::linnet_continuation_score { logprob: 0.0, n_tokens: 0, reserved: 0 }; texts.len()];
        call(|error| unsafe {
            sys::linnet_score(session, texts.as_ptr(), texts.len(), 0, scores.as_mut_ptr(), error)
        })?;
        Ok(scores.into_iter().map(|score| Score { logprob: score.logprob, n_tokens: score.n_tokens }).collect())
    }

    /// The tokens of the sequence, computed and pending.
    pub fn tokens(&self) -> Result<Vec<i32>> {
        let (mut tokens, mut n) = (null(), 0);
        call(|error| unsafe { sys::linnet_session_get_tokens(self.shared(), &mut tokens, &mut n, error) })?;
        // Valid until the next call on the session.
        Ok(if n == 0 { Vec::new() } else { unsafe { std::slice::from_raw_parts(tokens, n) }.to_vec() })
    }

    pub fn truncate(&mut self, n_tokens: usize) -> Result<()> {
        let session = self.raw();
        call(|error| unsafe { sys::linnet_session_truncate(session, n_tokens, error) })
    }
}

/// Iterator over pieces of text; ends with the generation or after the first error.
pub struct Stream<'a> {
    session: &'a mut Session,
    left: u32,
    done: bool,
}

impl Iterator for Stream<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done && self.left > 0 {
            let event = match self.session.step(0) {
                Ok(event) => event,
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            };
            self.done = event.kind == EventKind::Done;
            if event.kind == EventKind::Token {
                self.left -= 1;
            }
            if !event.text.is_empty() {
                return Some(Ok(event.text));
            }
        }
        None
    }
}
