// SPDX-License-Identifier: MIT
// The layout of every public struct on LP64 platforms, field by field: the compiler's part of the ABI baseline. Lines
// are added when a field is appended; none is ever changed.
#include <cstddef>
#include <type_traits>

#include "linnet.h"

#define LINNET_SIZE(type, size, align) \
    static_assert(sizeof(type) == size && alignof(type) == align && std::is_standard_layout_v<type>)
#define LINNET_FIELD(type, field, offset) static_assert(offsetof(type, field) == offset)

static_assert(sizeof(linnet_status) == 4 && sizeof(linnet_token) == 4);

#if defined(__LP64__)

LINNET_SIZE(linnet_error, 512, 4);
LINNET_FIELD(linnet_error, status, 4);
LINNET_FIELD(linnet_error, text, 8);

LINNET_SIZE(linnet_engine_options, 80, 8);
LINNET_FIELD(linnet_engine_options, n_threads, 4);
LINNET_FIELD(linnet_engine_options, alloc, 8);
LINNET_FIELD(linnet_engine_options, free, 16);
LINNET_FIELD(linnet_engine_options, alloc_user, 24);
LINNET_FIELD(linnet_engine_options, memory_limit, 32);
LINNET_FIELD(linnet_engine_options, log, 40);
LINNET_FIELD(linnet_engine_options, log_user, 48);
LINNET_FIELD(linnet_engine_options, parallel_for, 56);
LINNET_FIELD(linnet_engine_options, parallel_user, 64);
LINNET_FIELD(linnet_engine_options, isa, 72);

LINNET_SIZE(linnet_engine_info, 48, 8);
LINNET_FIELD(linnet_engine_info, n_threads, 4);
LINNET_FIELD(linnet_engine_info, isa, 8);
LINNET_FIELD(linnet_engine_info, isas, 16);
LINNET_FIELD(linnet_engine_info, memory_used, 24);
LINNET_FIELD(linnet_engine_info, memory_peak, 32);
LINNET_FIELD(linnet_engine_info, n_allocations, 40);

LINNET_SIZE(linnet_source, 40, 8);
LINNET_FIELD(linnet_source, size, 8);
LINNET_FIELD(linnet_source, read_at, 16);
LINNET_FIELD(linnet_source, data, 24);
LINNET_FIELD(linnet_source, user, 32);

LINNET_SIZE(linnet_model_options, 32, 8);
LINNET_FIELD(linnet_model_options, weights, 4);
LINNET_FIELD(linnet_model_options, progress, 8);
LINNET_FIELD(linnet_model_options, progress_user, 16);
LINNET_FIELD(linnet_model_options, no_map, 24);

LINNET_SIZE(linnet_model_info, 96, 8);
LINNET_FIELD(linnet_model_info, n_layers, 4);
LINNET_FIELD(linnet_model_info, d_model, 8);
LINNET_FIELD(linnet_model_info, n_heads, 12);
LINNET_FIELD(linnet_model_info, n_kv_heads, 16);
LINNET_FIELD(linnet_model_info, head_dim, 20);
LINNET_FIELD(linnet_model_info, d_ff, 24);
LINNET_FIELD(linnet_model_info, n_vocab, 28);
LINNET_FIELD(linnet_model_info, n_ctx_train, 32);
LINNET_FIELD(linnet_model_info, n_metadata, 36);
LINNET_FIELD(linnet_model_info, n_parameters, 40);
LINNET_FIELD(linnet_model_info, file_size, 48);
LINNET_FIELD(linnet_model_info, architecture, 56);
LINNET_FIELD(linnet_model_info, name, 64);
LINNET_FIELD(linnet_model_info, format, 72);
LINNET_FIELD(linnet_model_info, n_embedding, 80);
LINNET_FIELD(linnet_model_info, pooling, 84);
LINNET_FIELD(linnet_model_info, bidirectional, 88);

LINNET_SIZE(linnet_session_options, 16, 4);
LINNET_FIELD(linnet_session_options, n_ctx, 4);
LINNET_FIELD(linnet_session_options, n_batch, 8);
LINNET_FIELD(linnet_session_options, kv_type, 12);

LINNET_SIZE(linnet_memory_plan, 56, 8);
LINNET_FIELD(linnet_memory_plan, n_ctx, 4);
LINNET_FIELD(linnet_memory_plan, weights_bytes, 8);
LINNET_FIELD(linnet_memory_plan, metadata_bytes, 16);
LINNET_FIELD(linnet_memory_plan, kv_bytes, 24);
LINNET_FIELD(linnet_memory_plan, scratch_bytes, 32);
LINNET_FIELD(linnet_memory_plan, total_bytes, 40);
LINNET_FIELD(linnet_memory_plan, file_bytes, 48);

LINNET_SIZE(linnet_logit_bias, 8, 4);  // element of an array: fixed for good
LINNET_FIELD(linnet_logit_bias, bias, 4);

LINNET_SIZE(linnet_text, 16, 8);  // element of an array: fixed for good
LINNET_FIELD(linnet_text, size, 8);

LINNET_SIZE(linnet_logprob, 8, 4);  // likewise
LINNET_FIELD(linnet_logprob, logprob, 4);

LINNET_SIZE(linnet_continuation_score, 16, 8);  // likewise
LINNET_FIELD(linnet_continuation_score, n_tokens, 8);

LINNET_SIZE(linnet_sampler_options, 160, 8);
LINNET_FIELD(linnet_sampler_options, top_k, 4);
LINNET_FIELD(linnet_sampler_options, temperature, 8);
LINNET_FIELD(linnet_sampler_options, top_p, 12);
LINNET_FIELD(linnet_sampler_options, min_p, 16);
LINNET_FIELD(linnet_sampler_options, repetition_penalty, 20);
LINNET_FIELD(linnet_sampler_options, frequency_penalty, 24);
LINNET_FIELD(linnet_sampler_options, presence_penalty, 28);
LINNET_FIELD(linnet_sampler_options, penalty_window, 32);
LINNET_FIELD(linnet_sampler_options, seed, 40);
LINNET_FIELD(linnet_sampler_options, biases, 48);
LINNET_FIELD(linnet_sampler_options, n_biases, 56);
LINNET_FIELD(linnet_sampler_options, typical_p, 64);
LINNET_FIELD(linnet_sampler_options, top_n_sigma, 68);
LINNET_FIELD(linnet_sampler_options, xtc_probability, 72);
LINNET_FIELD(linnet_sampler_options, xtc_threshold, 76);
LINNET_FIELD(linnet_sampler_options, temperature_range, 80);
LINNET_FIELD(linnet_sampler_options, temperature_exponent, 84);
LINNET_FIELD(linnet_sampler_options, mirostat_tau, 88);
LINNET_FIELD(linnet_sampler_options, mirostat_eta, 92);
LINNET_FIELD(linnet_sampler_options, dry_multiplier, 96);
LINNET_FIELD(linnet_sampler_options, dry_base, 100);
LINNET_FIELD(linnet_sampler_options, dry_allowed_length, 104);
LINNET_FIELD(linnet_sampler_options, dry_window, 108);
LINNET_FIELD(linnet_sampler_options, dry_breakers, 112);
LINNET_FIELD(linnet_sampler_options, n_dry_breakers, 120);
LINNET_FIELD(linnet_sampler_options, banned, 128);
LINNET_FIELD(linnet_sampler_options, n_banned, 136);
LINNET_FIELD(linnet_sampler_options, stages, 144);
LINNET_FIELD(linnet_sampler_options, n_stages, 152);

LINNET_SIZE(linnet_event, 40, 8);
LINNET_FIELD(linnet_event, kind, 4);
LINNET_FIELD(linnet_event, token, 8);
LINNET_FIELD(linnet_event, reason, 12);
LINNET_FIELD(linnet_event, text, 16);
LINNET_FIELD(linnet_event, text_size, 24);
LINNET_FIELD(linnet_event, n_past, 32);
LINNET_FIELD(linnet_event, n_pending, 36);

LINNET_SIZE(linnet_embed_options, 40, 8);
LINNET_FIELD(linnet_embed_options, pooling, 4);
LINNET_FIELD(linnet_embed_options, n_ctx, 8);
LINNET_FIELD(linnet_embed_options, flags, 12);
LINNET_FIELD(linnet_embed_options, truncate, 16);
LINNET_FIELD(linnet_embed_options, no_normalise, 20);
LINNET_FIELD(linnet_embed_options, progress, 24);
LINNET_FIELD(linnet_embed_options, progress_user, 32);

LINNET_SIZE(linnet_chat_options, 24, 8);
LINNET_FIELD(linnet_chat_options, chat_template, 8);
LINNET_FIELD(linnet_chat_options, chat_template_size, 16);

LINNET_SIZE(linnet_reply_options, 64, 8);
LINNET_FIELD(linnet_reply_options, format, 8);
LINNET_FIELD(linnet_reply_options, format_size, 16);
LINNET_FIELD(linnet_reply_options, chat_template, 24);
LINNET_FIELD(linnet_reply_options, chat_template_size, 32);
LINNET_FIELD(linnet_reply_options, tools, 40);
LINNET_FIELD(linnet_reply_options, tools_size, 48);
LINNET_FIELD(linnet_reply_options, session, 56);

LINNET_SIZE(linnet_tool_options, 40, 8);
LINNET_FIELD(linnet_tool_options, flags, 4);
LINNET_FIELD(linnet_tool_options, format, 8);
LINNET_FIELD(linnet_tool_options, format_size, 16);
LINNET_FIELD(linnet_tool_options, chat_template, 24);
LINNET_FIELD(linnet_tool_options, chat_template_size, 32);

LINNET_SIZE(linnet_reply_event, 64, 8);
LINNET_FIELD(linnet_reply_event, kind, 4);
LINNET_FIELD(linnet_reply_event, index, 8);
LINNET_FIELD(linnet_reply_event, text, 16);
LINNET_FIELD(linnet_reply_event, text_size, 24);
LINNET_FIELD(linnet_reply_event, name, 32);
LINNET_FIELD(linnet_reply_event, name_size, 40);
LINNET_FIELD(linnet_reply_event, id, 48);
LINNET_FIELD(linnet_reply_event, id_size, 56);

#endif
