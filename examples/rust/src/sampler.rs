// SPDX-License-Identifier: MIT
//! How the next token is chosen.

use std::ptr::{null_mut, NonNull};

use crate::call::{call, handle, texts, Result};
use crate::model::Model;
use crate::sys;

/// A stage of sampling, by its `LINNET_STAGE_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Penalties = 1,
    Dry,
    TopNSigma,
    TopK,
    Typical,
    TopP,
    MinP,
    Xtc,
    Temperature,
}

/// As linnet_sampler_options; all zero is greedy.
#[derive(Debug, Clone, Default)]
pub struct SamplerOptions {
    pub temperature: f32,
    pub top_k: u32,
    pub top_p: f32,
    pub min_p: f32,
    pub repetition_penalty: f32,
    pub frequency_penalty: f32,
    pub presence_penalty: f32,
    pub penalty_window: u32,
    pub seed: u64,
    /// Added to the logits of these tokens; negative infinity bans one.
    pub biases: Vec<(i32, f32)>,
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
    pub dry_breakers: Vec<String>,
    /// Texts that are never completed.
    pub banned: Vec<String>,
    /// The stages in this order, others off; empty: all of them in the order of their numbers.
    pub stages: Vec<Stage>,
}

pub struct Sampler {
    raw: NonNull<sys::linnet_sampler>,
}
handle!(Sampler, linnet_sampler, linnet_sampler_destroy);
unsafe impl Send for Sampler {}

impl Sampler {
    pub fn new(model: &Model, options: &SamplerOptions) -> Result<Sampler> {
        let biases: Vec<_> =
            options.biases.iter().map(|&(token, bias)| sys::linnet_logit_bias { token, bias }).collect();
        let dry_breakers = texts(&options.dry_breakers);
        let banned = texts(&options.banned);
        let stages: Vec<_> = options.stages.iter().map(|&stage| stage as i32).collect();
        let given = sys::linnet_sampler_options {
            top_k: options.top_k,
            temperature: options.temperature,
            top_p: options.top_p,
            min_p: options.min_p,
            repetition_penalty: options.repetition_penalty,
            frequency_penalty: options.frequency_penalty,
            presence_penalty: options.presence_penalty,
            penalty_window: options.penalty_window,
            seed: options.seed,
            biases: biases.as_ptr(),
            n_biases: biases.len(),
            typical_p: options.typical_p,
            top_n_sigma: options.top_n_sigma,
            xtc_probability: options.xtc_probability,
            xtc_threshold: options.xtc_threshold,
            temperature_range: options.temperature_range,
            temperature_exponent: options.temperature_exponent,
            mirostat_tau: options.mirostat_tau,
            mirostat_eta: options.mirostat_eta,
            dry_multiplier: options.dry_multiplier,
            dry_base: options.dry_base,
            dry_allowed_length: options.dry_allowed_length,
            dry_window: options.dry_window,
            dry_breakers: dry_breakers.as_ptr(),
            n_dry_breakers: dry_breakers.len(),
            banned: banned.as_ptr(),
            n_banned: banned.len(),
            stages: stages.as_ptr(),
            n_stages: stages.len(),
            ..sys::linnet_sampler_options::new()
        };
        let mut raw = null_mut();
        call(|error| unsafe { sys::linnet_sampler_create(model.raw(), &given, &mut raw, error) })?;
        Ok(Sampler::adopt(raw))
    }

    pub(crate) fn raw(&self) -> *mut sys::linnet_sampler {
        self.raw.as_ptr()
    }
}
