// SPDX-License-Identifier: MIT
//! Linnet: small language models inside your process. A safe wrapper over linnet.h.
//!
//! ```no_run
//! # fn main() -> Result<(), linnet::Error> {
//! let engine = linnet::Engine::new(&linnet::EngineOptions::default())?;
//! let model = linnet::Model::load(&engine, "model.gguf")?;
//! let mut session = linnet::Session::new(&model, 0)?;
//! session.append("Once upon a time")?;
//! for text in session.stream(64) {
//!     print!("{}", text?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Handles keep their parents alive inside the library, so that values may be dropped in any order. A [`Model`] is
//! shared freely between threads; a [`Session`] moves between threads and is used by one at a time, which the borrow
//! checker sees to; [`Canceller`] is the one thing that other threads may hold of it.

pub mod sys;

use std::ffi::{c_char, CStr, CString};
use std::fmt;
use std::mem::size_of;
use std::ptr::{null, null_mut, NonNull};
use std::sync::Arc;

/// A failed call: the `LINNET_ERROR_*` status and a text which names what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub status: i32,
    pub text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

/// Makes a call that takes a `linnet_error` and turns its status into a Result.
fn call(f: impl FnOnce(*mut sys::linnet_error) -> i32) -> Result<()> {
    let mut error =
        sys::linnet_error { struct_size: size_of::<sys::linnet_error>() as u32, status: 0, text: [0; 504] };
    match f(&mut error) {
        sys::LINNET_OK => Ok(()),
        status => {
            // Terminated by the library; all zero if it wrote nothing.
            let text = unsafe { CStr::from_ptr(error.text.as_ptr()) };
            Err(Error { status, text: text.to_string_lossy().into_owned() })
        }
    }
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error { status: 1, text: format!("{text:?} contains a NUL byte") })
}

/// Makes an owning type of a handle and its destroy function.
macro_rules! handle {
    ($name:ident, $raw:ident, $destroy:ident) => {
        impl $name {
            fn adopt(raw: *mut sys::$raw) -> Self {
                $name { raw: NonNull::new(raw).expect("a successful call gives a handle") }
            }
        }
        impl Drop for $name {
            fn drop(&mut self) {
                unsafe { sys::$destroy(self.raw.as_ptr()) }
            }
        }
    };
}

/// Zero means the default, as in linnet.h.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    pub n_threads: u32,
    pub memory_limit: u64,
    pub isa: Option<String>,
}

pub struct Engine {
    raw: NonNull<sys::linnet_engine>,
}
handle!(Engine, linnet_engine, linnet_engine_destroy);
// linnet.h: an engine may be used from any thread.
unsafe impl Send for Engine {}
unsafe impl Sync for Engine {}

impl Engine {
    pub fn new(options: &EngineOptions) -> Result<Engine> {
        let isa = options.isa.as_deref().map(c_string).transpose()?;
        let given = sys::linnet_engine_options {
            struct_size: size_of::<sys::linnet_engine_options>() as u32,
            n_threads: options.n_threads,
            alloc: None,
            free: None,
            alloc_user: null_mut(),
            memory_limit: options.memory_limit,
            log: None,
            log_user: null_mut(),
            parallel_for: None,
            parallel_user: null_mut(),
            isa: isa.as_ref().map_or(null(), |name| name.as_ptr()),
        };
        let mut raw = null_mut();
        call(|error| unsafe { sys::linnet_engine_create(&given, &mut raw, error) })?;
        Ok(Engine::adopt(raw))
    }
}

pub struct Model {
    raw: NonNull<sys::linnet_model>,
}
handle!(Model, linnet_model, linnet_model_destroy);
// linnet.h: a model is immutable and shared by any number of threads.
unsafe impl Send for Model {}
unsafe impl Sync for Model {}

impl Model {
    pub fn load(engine: &Engine, path: &str) -> Result<Model> {
        let path = c_string(path)?;
        let mut raw = null_mut();
        call(|error| unsafe {
            sys::linnet_model_load(engine.raw.as_ptr(), path.as_ptr(), null(), &mut raw, error)
        })?;
        Ok(Model::adopt(raw))
    }

    /// The value of a metadata key as text.
    pub fn metadata(&self, key: &str) -> Result<String> {
        let key = c_string(key)?;
        let mut size = 0;
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            let given = call(|error| unsafe {
                let data = buffer.as_mut_ptr().cast::<c_char>();
                sys::linnet_model_get_metadata(self.raw.as_ptr(), key.as_ptr(), data, buffer.len(), &mut size, error)
            });
            match given {
                Err(error) if error.status == sys::LINNET_ERROR_BUFFER_TOO_SMALL => buffer.resize(size + 1, 0),
                Err(error) => return Err(error),
                Ok(()) => return Ok(String::from_utf8_lossy(&buffer[..size]).into_owned()),
            }
        }
    }

    /// With the BOS / EOS that the model asks for; control tokens in the text are recognised.
    pub fn tokenize(&self, text: &str) -> Result<Vec<i32>> {
        let mut tokens = vec![0; text.len() + 8];
        loop {
            let mut n = 0;
            let given = call(|error| unsafe {
                let data = text.as_ptr().cast::<c_char>();
                let room = tokens.len();
                sys::linnet_tokenize(self.raw.as_ptr(), data, text.len(), 0, tokens.as_mut_ptr(), room, &mut n, error)
            });
            tokens.resize(n, 0);
            match given {
                Err(error) if error.status == sys::LINNET_ERROR_BUFFER_TOO_SMALL => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(tokens),
            }
        }
    }
}

/// As linnet_sampler_options; all zero is greedy.
#[derive(Debug, Clone, Default)]
pub struct SamplerOptions {
    pub temperature: f32,
    pub top_k: u32,
    pub top_p: f32,
    pub min_p: f32,
    pub repetition_penalty: f32,
    pub seed: u64,
}

pub struct Sampler {
    raw: NonNull<sys::linnet_sampler>,
}
handle!(Sampler, linnet_sampler, linnet_sampler_destroy);
unsafe impl Send for Sampler {}

impl Sampler {
    pub fn new(model: &Model, options: &SamplerOptions) -> Result<Sampler> {
        let given = sys::linnet_sampler_options {
            struct_size: size_of::<sys::linnet_sampler_options>() as u32,
            top_k: options.top_k,
            temperature: options.temperature,
            top_p: options.top_p,
            min_p: options.min_p,
            repetition_penalty: options.repetition_penalty,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            penalty_window: 0,
            reserved: 0,
            seed: options.seed,
            biases: null(),
            n_biases: 0,
        };
        let mut raw = null_mut();
        call(|error| unsafe { sys::linnet_sampler_create(model.raw.as_ptr(), &given, &mut raw, error) })?;
        Ok(Sampler::adopt(raw))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Progress,
    Token,
    Done,
    Budget,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    /// -1 when the event has none.
    pub token: i32,
    pub text: String,
    pub n_past: u32,
    pub n_pending: u32,
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
        let options = sys::linnet_session_options {
            struct_size: size_of::<sys::linnet_session_options>() as u32,
            n_ctx,
            n_batch: 0,
            kv_type: 0,
        };
        let mut raw = null_mut();
        call(|error| unsafe { sys::linnet_session_create(model.raw.as_ptr(), &options, &mut raw, error) })?;
        Ok(Session { inner: Arc::new(RawSession::adopt(raw)) })
    }

    fn raw(&mut self) -> *mut sys::linnet_session {
        self.inner.raw.as_ptr()
    }

    pub fn canceller(&self) -> Canceller {
        Canceller { inner: self.inner.clone() }
    }

    /// Takes the sampler; the library keeps it with the session.
    pub fn set_sampler(&mut self, sampler: Sampler) -> Result<()> {
        let session = self.raw();
        call(|error| unsafe { sys::linnet_session_set_sampler(session, sampler.raw.as_ptr(), error) })
    }

    pub fn append(&mut self, text: &str) -> Result<()> {
        let session = self.raw();
        call(|error| unsafe {
            sys::linnet_session_append_text(session, text.as_ptr().cast::<c_char>(), text.len(), 0, error)
        })
    }

    /// Goes on until the next event; budget_us: the time after which it gives back `Budget`, 0: none.
    pub fn step(&mut self, budget_us: u64) -> Result<Event> {
        let session = self.raw();
        let mut event = sys::linnet_event {
            struct_size: size_of::<sys::linnet_event>() as u32,
            kind: 0,
            token: -1,
            reason: 0,
            text: null(),
            text_size: 0,
            n_past: 0,
            n_pending: 0,
        };
        call(|error| unsafe { sys::linnet_session_step(session, budget_us, &mut event, error) })?;
        let text = if event.text_size == 0 {
            String::new()
        } else {
            // Valid until the next call on the session.
            let bytes = unsafe { std::slice::from_raw_parts(event.text.cast::<u8>(), event.text_size) };
            String::from_utf8_lossy(bytes).into_owned()
        };
        let kind = match event.kind {
            sys::LINNET_EVENT_TOKEN => EventKind::Token,
            sys::LINNET_EVENT_DONE => EventKind::Done,
            sys::LINNET_EVENT_BUDGET => EventKind::Budget,
            _ => EventKind::Progress,
        };
        Ok(Event { kind, token: event.token, text, n_past: event.n_past, n_pending: event.n_pending })
    }

    /// The text of up to max_tokens tokens (0: until the model ends), as it becomes complete.
    pub fn stream(&mut self, max_tokens: u32) -> Stream<'_> {
        Stream { session: self, left: if max_tokens == 0 { u32::MAX } else { max_tokens }, done: false }
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

/// Release of the library, like "0.1.0".
pub fn version() -> &'static str {
    unsafe { CStr::from_ptr(sys::linnet_version()) }.to_str().unwrap_or("")
}
