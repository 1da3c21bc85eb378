// SPDX-License-Identifier: MIT
//! The part of linnet.h that the wrapper uses, as it stands there.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_void};

macro_rules! opaque {
    ($($name:ident),*) => { $(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )* };
}
opaque!(linnet_engine, linnet_model, linnet_session, linnet_sampler, linnet_grammar, linnet_reply);

/// Structs that begin with struct_size: `new` sets it, and all else to zero, which is the default in every field.
macro_rules! sized {
    ($($name:ident),*) => { $(
        impl $name {
            pub fn new() -> Self {
                // Numbers, raw pointers and optional functions: zero is a value of each.
                let mut value: Self = unsafe { std::mem::zeroed() };
                value.struct_size = std::mem::size_of::<Self>() as u32;
                value
            }
        }
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    )* };
}
sized!(
    linnet_error,
    linnet_engine_options,
    linnet_model_options,
    linnet_model_info,
    linnet_session_options,
    linnet_sampler_options,
    linnet_event,
    linnet_chat_options,
    linnet_reply_options,
    linnet_reply_event,
    linnet_embed_options,
    linnet_tool_options
);

pub const LINNET_OK: i32 = 0;
pub const LINNET_ERROR_INVALID_ARGUMENT: i32 = 1;
pub const LINNET_ERROR_UNSUPPORTED: i32 = 5;
pub const LINNET_ERROR_BUFFER_TOO_SMALL: i32 = 6;
pub const LINNET_ERROR_CANCELLED: i32 = 7;
pub const LINNET_ERROR_CONTEXT_FULL: i32 = 8;
pub const LINNET_ERROR_NOT_FOUND: i32 = 9;
pub const LINNET_EVENT_PROGRESS: i32 = 1;
pub const LINNET_EVENT_TOKEN: i32 = 2;
pub const LINNET_EVENT_DONE: i32 = 3;
pub const LINNET_EVENT_BUDGET: i32 = 4;
pub const LINNET_DONE_END_TOKEN: i32 = 1;
pub const LINNET_DONE_CONTEXT_FULL: i32 = 2;
pub const LINNET_DONE_MAX_TOKENS: i32 = 3;
pub const LINNET_DONE_GRAMMAR: i32 = 4;
pub const LINNET_DONE_STOP: i32 = 5;
pub const LINNET_REPLY_NONE: i32 = 0;
pub const LINNET_REPLY_TEXT: i32 = 1;
pub const LINNET_REPLY_REASONING: i32 = 2;
pub const LINNET_REPLY_TOOL_CALL: i32 = 3;
pub const LINNET_REPLY_WARNING: i32 = 4;
pub const LINNET_TOOLS_SEVERAL: u32 = 1;

pub type Progress = Option<unsafe extern "C" fn(*mut c_void, u64, u64) -> i32>;
pub type Task = Option<unsafe extern "C" fn(*mut c_void, u32)>;

#[repr(C)]
pub struct linnet_error {
    pub struct_size: u32,
    pub status: i32,
    pub text: [c_char; 504],
}

#[repr(C)]
pub struct linnet_engine_options {
    pub struct_size: u32,
    pub n_threads: u32,
    pub alloc: Option<unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void>,
    pub free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize)>,
    pub alloc_user: *mut c_void,
    pub memory_limit: u64,
    pub log: Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize)>,
    pub log_user: *mut c_void,
    pub parallel_for: Option<unsafe extern "C" fn(*mut c_void, Task, *mut c_void, u32)>,
    pub parallel_user: *mut c_void,
    pub isa: *const c_char,
}

#[repr(C)]
pub struct linnet_model_options {
    pub struct_size: u32,
    pub weights: i32,
    pub progress: Progress,
    pub progress_user: *mut c_void,
    pub no_map: i32,
    pub reserved: i32,
}

#[repr(C)]
pub struct linnet_model_info {
    pub struct_size: u32,
    pub n_layers: u32,
    pub d_model: u32,
    pub n_heads: u32,
    pub n_kv_heads: u32,
    pub head_dim: u32,
    pub d_ff: u32,
    pub n_vocab: u32,
    pub n_ctx_train: u32,
    pub n_metadata: u32,
    pub n_parameters: u64,
    pub file_size: u64,
    pub architecture: *const c_char,
    pub name: *const c_char,
    pub format: *const c_char,
    pub n_embedding: u32,
    pub pooling: i32,
    pub bidirectional: i32,
    pub reserved: u32,
}

#[repr(C)]
pub struct linnet_session_options {
    pub struct_size: u32,
    pub n_ctx: u32,
    pub n_batch: u32,
    pub kv_type: i32,
}

#[repr(C)]
pub struct linnet_logit_bias {
    pub token: i32,
    pub bias: f32,
}

#[repr(C)]
pub struct linnet_text {
    pub data: *const c_char,
    pub size: usize,
}

#[repr(C)]
pub struct linnet_sampler_options {
    pub struct_size: u32,
    pub top_k: u32,
    pub temperature: f32,
    pub top_p: f32,
    pub min_p: f32,
    pub repetition_penalty: f32,
    pub frequency_penalty: f32,
    pub presence_penalty: f32,
    pub penalty_window: u32,
    pub reserved: u32,
    pub seed: u64,
    pub biases: *const linnet_logit_bias,
    pub n_biases: usize,
    pub typical_p: f32,
    pub top_n_sigma: f32,
    pub xtc_probability: f32,
    pub xtc_threshold: f32,
    pub temperature_range: f32,
    pub temperature_exponent: f32,
    pub mirostat_tau: f32,
    pub mirostat_eta: f32,
    pub dry_multiplier: f32,
    pub dry_base: f32,
    pub dry_allowed_length: u32,
    pub dry_window: u32,
    pub dry_breakers: *const linnet_text,
    pub n_dry_breakers: usize,
    pub banned: *const linnet_text,
    pub n_banned: usize,
    pub stages: *const i32,
    pub n_stages: usize,
}

#[repr(C)]
pub struct linnet_event {
    pub struct_size: u32,
    pub kind: i32,
    pub token: i32,
    pub reason: i32,
    pub text: *const c_char,
    pub text_size: usize,
    pub n_past: u32,
    pub n_pending: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct linnet_logprob {
    pub token: i32,
    pub logprob: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct linnet_continuation_score {
    pub logprob: f64,
    pub n_tokens: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct linnet_chat_options {
    pub struct_size: u32,
    pub reserved: u32,
    pub chat_template: *const c_char,
    pub chat_template_size: usize,
}

#[repr(C)]
pub struct linnet_reply_options {
    pub struct_size: u32,
    pub reserved: u32,
    pub format: *const c_char,
    pub format_size: usize,
    pub chat_template: *const c_char,
    pub chat_template_size: usize,
    pub tools: *const c_char,
    pub tools_size: usize,
    pub session: *const linnet_session,
}

#[repr(C)]
pub struct linnet_reply_event {
    pub struct_size: u32,
    pub kind: i32,
    pub index: u32,
    pub reserved: u32,
    pub text: *const c_char,
    pub text_size: usize,
    pub name: *const c_char,
    pub name_size: usize,
    pub id: *const c_char,
    pub id_size: usize,
}

#[repr(C)]
pub struct linnet_embed_options {
    pub struct_size: u32,
    pub pooling: i32,
    pub n_ctx: u32,
    pub flags: u32,
    pub truncate: i32,
    pub no_normalise: i32,
    pub progress: Progress,
    pub progress_user: *mut c_void,
}

#[repr(C)]
pub struct linnet_tool_options {
    pub struct_size: u32,
    pub flags: u32,
    pub format: *const c_char,
    pub format_size: usize,
    pub chat_template: *const c_char,
    pub chat_template_size: usize,
}

/// Functions without an error, then those that take one last and return a status.
macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $type:ty),*);)*) => {
        extern "C" { $(
            pub fn $name($($argument: $type,)* error: *mut linnet_error) -> i32;
        )* }
    };
}
extern "C" {
    pub fn linnet_abi_version() -> u32;
    pub fn linnet_version() -> *const c_char;
    pub fn linnet_engine_destroy(engine: *mut linnet_engine);
    pub fn linnet_model_destroy(model: *mut linnet_model);
    pub fn linnet_sampler_destroy(sampler: *mut linnet_sampler);
    pub fn linnet_grammar_destroy(grammar: *mut linnet_grammar);
    pub fn linnet_session_destroy(session: *mut linnet_session);
    pub fn linnet_session_cancel(session: *mut linnet_session);
    pub fn linnet_reply_destroy(reply: *mut linnet_reply);
}
functions! {
    fn linnet_engine_create(options: *const linnet_engine_options, engine: *mut *mut linnet_engine);
    fn linnet_model_load(engine: *mut linnet_engine, path: *const c_char, options: *const linnet_model_options,
                         model: *mut *mut linnet_model);
    fn linnet_model_get_info(model: *const linnet_model, info: *mut linnet_model_info);
    fn linnet_model_get_metadata(model: *const linnet_model, key: *const c_char, buffer: *mut c_char,
                                 capacity: usize, size: *mut usize);
    fn linnet_tokenize(model: *const linnet_model, text: *const c_char, size: usize, flags: u32, tokens: *mut i32,
                       capacity: usize, n_tokens: *mut usize);
    fn linnet_detokenize(model: *const linnet_model, tokens: *const i32, n_tokens: usize, flags: u32,
                         buffer: *mut c_char, capacity: usize, size: *mut usize);
    fn linnet_embed(model: *const linnet_model, options: *const linnet_embed_options, texts: *const linnet_text,
                    n_texts: usize, vectors: *mut f32, capacity: usize, n_floats: *mut usize);
    fn linnet_model_render_chat(model: *const linnet_model, json: *const c_char, size: usize,
                                options: *const linnet_chat_options, buffer: *mut c_char, capacity: usize,
                                needed: *mut usize);
    fn linnet_sampler_create(model: *mut linnet_model, options: *const linnet_sampler_options,
                             sampler: *mut *mut linnet_sampler);
    fn linnet_grammar_create(model: *mut linnet_model, kind: i32, text: *const c_char, size: usize,
                             grammar: *mut *mut linnet_grammar);
    fn linnet_grammar_create_tools(model: *mut linnet_model, tools: *const c_char, size: usize,
                                   options: *const linnet_tool_options, grammar: *mut *mut linnet_grammar);
    fn linnet_grammar_get_opening(grammar: *const linnet_grammar, buffer: *mut c_char, capacity: usize,
                                  size: *mut usize);
    fn linnet_session_create(model: *mut linnet_model, options: *const linnet_session_options,
                             session: *mut *mut linnet_session);
    fn linnet_session_append_text(session: *mut linnet_session, text: *const c_char, size: usize, flags: u32);
    fn linnet_session_append_tokens(session: *mut linnet_session, tokens: *const i32, n_tokens: usize);
    fn linnet_session_append_chat(session: *mut linnet_session, json: *const c_char, size: usize,
                                  options: *const linnet_chat_options, n_reused: *mut usize);
    fn linnet_session_append_fim(session: *mut linnet_session, prefix: *const c_char, prefix_size: usize,
                                 suffix: *const c_char, suffix_size: usize);
    fn linnet_session_set_sampler(session: *mut linnet_session, sampler: *mut linnet_sampler);
    fn linnet_session_set_grammar(session: *mut linnet_session, grammar: *mut linnet_grammar);
    fn linnet_session_set_stops(session: *mut linnet_session, texts: *const linnet_text, n_texts: usize,
                                tokens: *const i32, n_tokens: usize);
    fn linnet_session_step(session: *mut linnet_session, budget_us: u64, event: *mut linnet_event);
    fn linnet_session_get_tokens(session: *const linnet_session, tokens: *mut *const i32, n_tokens: *mut usize);
    fn linnet_session_get_logprobs(session: *mut linnet_session, chosen: *mut linnet_logprob,
                                   top: *mut linnet_logprob, n_top: usize);
    fn linnet_session_truncate(session: *mut linnet_session, n_tokens: usize);
    fn linnet_score(session: *mut linnet_session, continuations: *const linnet_text, n_continuations: usize,
                    flags: u32, scores: *mut linnet_continuation_score);
    fn linnet_reply_create(model: *const linnet_model, options: *const linnet_reply_options,
                           reply: *mut *mut linnet_reply);
    fn linnet_reply_feed(reply: *mut linnet_reply, text: *const c_char, size: usize);
    fn linnet_reply_feed_token(reply: *mut linnet_reply, token: i32);
    fn linnet_reply_finish(reply: *mut linnet_reply);
    fn linnet_reply_next(reply: *mut linnet_reply, event: *mut linnet_reply_event);
}
