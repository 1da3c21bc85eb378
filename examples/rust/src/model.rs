// SPDX-License-Identifier: MIT
//! Engines and models: what is shared between threads.

use std::ptr::{null, null_mut, NonNull};

use crate::call::{c_string, call, data, fill, handle, optional, text_from, texts, Result};
use crate::sys;

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
            n_threads: options.n_threads,
            memory_limit: options.memory_limit,
            isa: isa.as_ref().map_or(null(), |name| name.as_ptr()),
            ..sys::linnet_engine_options::new()
        };
        let mut raw = null_mut();
        call(|error| unsafe { sys::linnet_engine_create(&given, &mut raw, error) })?;
        Ok(Engine::adopt(raw))
    }
}

/// How tokens' states become one vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pooling {
    /// As the model's file says.
    #[default]
    Default = 0,
    Mean = 2,
    Cls = 3,
    Last = 4,
    /// The scores of the file's classifier.
    Rank = 5,
}

#[derive(Debug, Clone, Default)]
pub struct EmbedOptions {
    pub pooling: Pooling,
    /// Most tokens of a text; 0: what the model was trained with.
    pub n_ctx: u32,
    /// Longer texts lose their end instead of being refused.
    pub truncate: bool,
    /// Vectors are not divided by their length.
    pub no_normalise: bool,
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
        call(|error| unsafe { sys::linnet_model_load(engine.raw.as_ptr(), path.as_ptr(), null(), &mut raw, error) })?;
        Ok(Model::adopt(raw))
    }

    pub(crate) fn raw(&self) -> *mut sys::linnet_model {
        self.raw.as_ptr()
    }

    /// The value of a metadata key as text.
    pub fn metadata(&self, key: &str) -> Result<String> {
        let key = c_string(key)?;
        let text = fill(1, |buffer: *mut u8, capacity, size, error| unsafe {
            sys::linnet_model_get_metadata(self.raw(), key.as_ptr(), buffer.cast(), capacity, size, error)
        })?;
        Ok(text_from(text))
    }

    /// With the BOS / EOS that the model asks for; control tokens in the text are recognised.
    pub fn tokenize(&self, text: &str) -> Result<Vec<i32>> {
        fill(0, |tokens, capacity, n, error| unsafe {
            sys::linnet_tokenize(self.raw(), data(text), text.len(), 0, tokens, capacity, n, error)
        })
    }

    pub fn detokenize(&self, tokens: &[i32]) -> Result<String> {
        let text = fill(0, |buffer: *mut u8, capacity, size, error| unsafe {
            sys::linnet_detokenize(self.raw(), tokens.as_ptr(), tokens.len(), 0, buffer.cast(), capacity, size, error)
        })?;
        Ok(text_from(text))
    }

    /// The text of a conversation (JSON, see linnet.h). chat_template: Jinja source or the name of a built-in one in
    /// place of the model's.
    pub fn render_chat(&self, conversation: &str, chat_template: Option<&str>) -> Result<String> {
        let options = chat_options(chat_template);
        let text = fill(0, |buffer: *mut u8, capacity, size, error| unsafe {
            let (json, n) = (data(conversation), conversation.len());
            sys::linnet_model_render_chat(self.raw(), json, n, &options, buffer.cast(), capacity, size, error)
        })?;
        Ok(text_from(text))
    }

    /// A vector of each text, or its scores.
    pub fn embed<T: AsRef<str>>(&self, list: &[T], options: &EmbedOptions) -> Result<Vec<Vec<f32>>> {
        let given = sys::linnet_embed_options {
            pooling: options.pooling as i32,
            n_ctx: options.n_ctx,
            truncate: options.truncate.into(),
            no_normalise: options.no_normalise.into(),
            ..sys::linnet_embed_options::new()
        };
        let texts = texts(list);
        let vectors = fill(0, |vectors: *mut f32, capacity, n, error| unsafe {
            sys::linnet_embed(self.raw(), &given, texts.as_ptr(), texts.len(), vectors, capacity, n, error)
        })?;
        if vectors.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vectors.chunks(vectors.len() / list.len()).map(<[f32]>::to_vec).collect())
    }
}

/// Valid as long as the template.
pub(crate) fn chat_options(chat_template: Option<&str>) -> sys::linnet_chat_options {
    let (data, size) = optional(chat_template);
    sys::linnet_chat_options { chat_template: data, chat_template_size: size, ..sys::linnet_chat_options::new() }
}
