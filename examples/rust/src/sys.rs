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
opaque!(linnet_engine, linnet_model, linnet_session, linnet_sampler);

pub const LINNET_OK: i32 = 0;
pub const LINNET_ERROR_BUFFER_TOO_SMALL: i32 = 6;
pub const LINNET_EVENT_PROGRESS: i32 = 1;
pub const LINNET_EVENT_TOKEN: i32 = 2;
pub const LINNET_EVENT_DONE: i32 = 3;
pub const LINNET_EVENT_BUDGET: i32 = 4;

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
    pub parallel_for: Option<
        unsafe extern "C" fn(*mut c_void, Option<unsafe extern "C" fn(*mut c_void, u32)>, *mut c_void, u32),
    >,
    pub parallel_user: *mut c_void,
    pub isa: *const c_char,
}

#[repr(C)]
pub struct linnet_model_options {
    pub struct_size: u32,
    pub weights: i32,
    pub progress: Option<unsafe extern "C" fn(*mut c_void, u64, u64) -> i32>,
    pub progress_user: *mut c_void,
    pub no_map: i32,
    pub reserved: i32,
}

#[repr(C)]
pub struct linnet_session_options {
    pub struct_size: u32,
    pub n_ctx: u32,
    pub n_batch: u32,
    pub kv_type: i32,
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
    pub biases: *const c_void,
    pub n_biases: usize,
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

extern "C" {
    pub fn linnet_abi_version() -> u32;
    pub fn linnet_version() -> *const c_char;
    pub fn linnet_engine_create(
        options: *const linnet_engine_options,
        engine: *mut *mut linnet_engine,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_engine_destroy(engine: *mut linnet_engine);
    pub fn linnet_model_load(
        engine: *mut linnet_engine,
        path: *const c_char,
        options: *const linnet_model_options,
        model: *mut *mut linnet_model,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_model_destroy(model: *mut linnet_model);
    pub fn linnet_model_get_metadata(
        model: *const linnet_model,
        key: *const c_char,
        buffer: *mut c_char,
        capacity: usize,
        size: *mut usize,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_tokenize(
        model: *const linnet_model,
        text: *const c_char,
        size: usize,
        flags: u32,
        tokens: *mut i32,
        capacity: usize,
        n_tokens: *mut usize,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_sampler_create(
        model: *mut linnet_model,
        options: *const linnet_sampler_options,
        sampler: *mut *mut linnet_sampler,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_sampler_destroy(sampler: *mut linnet_sampler);
    pub fn linnet_session_create(
        model: *mut linnet_model,
        options: *const linnet_session_options,
        session: *mut *mut linnet_session,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_session_destroy(session: *mut linnet_session);
    pub fn linnet_session_append_text(
        session: *mut linnet_session,
        text: *const c_char,
        size: usize,
        flags: u32,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_session_set_sampler(
        session: *mut linnet_session,
        sampler: *mut linnet_sampler,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_session_step(
        session: *mut linnet_session,
        budget_us: u64,
        event: *mut linnet_event,
        error: *mut linnet_error,
    ) -> i32;
    pub fn linnet_session_cancel(session: *mut linnet_session);
    pub fn linnet_session_truncate(session: *mut linnet_session, n_tokens: usize, error: *mut linnet_error) -> i32;
}
