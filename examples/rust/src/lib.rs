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
//! Handles keep their parents alive inside the library, so that values may be dropped in any order. A [`Model`] and a
//! [`Grammar`] are shared freely between threads; a [`Session`] moves between threads and is used by one at a time,
//! which the borrow checker sees to; [`Canceller`] is the one thing that other threads may hold of it.

mod call;
mod chat;
mod model;
mod sampler;
mod session;
pub mod sys;

pub use call::{Error, Result};
pub use chat::{Grammar, GrammarKind, Reply, ReplyEvent, ReplyOptions, ToolOptions};
pub use model::{EmbedOptions, Engine, EngineOptions, Model, Pooling};
pub use sampler::{Sampler, SamplerOptions, Stage};
pub use session::{Canceller, DoneReason, Event, EventKind, Logprob, Logprobs, Score, Session, Stream};

/// Release of the library, like "0.1.0".
pub fn version() -> &'static str {
    unsafe { std::ffi::CStr::from_ptr(sys::linnet_version()) }.to_str().unwrap_or("")
}
