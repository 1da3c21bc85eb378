/* SPDX-License-Identifier: MIT
 *
 * Linnet: small language models inside your process. This header is the whole product as seen from outside.
 *
 *   linnet_engine    what everything lives in: memory, threads, log, instruction set. Any number per process.
 *   linnet_model     an open GGUF file, immutable; shared by any number of sessions and threads.
 *   linnet_session   one token sequence with its KV cache; one thread at a time (linnet_session_cancel: any thread).
 *   linnet_sampler   how the next token is chosen; used by one session at a time.
 *   linnet_grammar   what text may be generated: a JSON schema, a grammar; immutable, for any number of sessions.
 *   linnet_reply     reads what a model writes into text, reasoning and tool calls.
 *
 * Rules that hold everywhere:
 * - Every call that can fail returns a linnet_status and takes a nullable linnet_error for the text. Results come
 *   through out-parameters, which are set to null or zero first, so that a failed call leaves nothing to release.
 * - A child keeps its parent alive: destroy handles in any order. ..._destroy(NULL) does nothing.
 * - Option structs start with struct_size; fill them with their ..._init function, then change what you need. Zero
 *   means the default in every field. Fields are only ever appended: a program built with an older header runs with a
 *   newer library. A newer header with an older library works as long as the fields unknown to it are zero.
 * - Text is UTF-8, given as pointer and length in bytes, need not be terminated, and may hold NUL bytes.
 * - Callbacks run on the thread that made the call (parallel_for's tasks excepted), must not throw or longjmp and must
 *   not call into the object that is calling them, other than linnet_session_cancel.
 * - Nothing is global: no init, no shutdown, no environment variables, no signal handlers, no output to any stream.
 */
#ifndef LINNET_H
#define LINNET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(LINNET_BUILDING) && defined(__GNUC__)
#define LINNET_API __attribute__((visibility("default")))
#else
#define LINNET_API
#endif

/* ---- Version ----------------------------------------------------------------------------------------------------- */

#define LINNET_ABI_MAJOR 1 /* changes when programs must be rebuilt; equals the SONAME */
#define LINNET_ABI_MINOR 1 /* grows when something is added */

/* Major << 16 | minor of the library that runs. */
LINNET_API uint32_t linnet_abi_version(void);
/* Release, like "0.1.0". Static storage. */
LINNET_API const char* linnet_version(void);

/* ---- Status and errors ------------------------------------------------------------------------------------------- */

typedef int32_t linnet_status;
#define LINNET_OK 0
#define LINNET_ERROR_INVALID_ARGUMENT 1 /* an argument or option; the text names it */
#define LINNET_ERROR_OUT_OF_MEMORY 2    /* the allocator failed or the engine's memory_limit would be exceeded */
#define LINNET_ERROR_IO 3               /* reading failed */
#define LINNET_ERROR_BAD_FILE 4         /* a file contradicts its format or itself; the text names key or tensor */
#define LINNET_ERROR_UNSUPPORTED 5      /* valid, but not something this library does; the text names it */
#define LINNET_ERROR_BUFFER_TOO_SMALL 6 /* the needed size was returned */
#define LINNET_ERROR_CANCELLED 7        /* linnet_session_cancel or a progress callback asked for it */
#define LINNET_ERROR_CONTEXT_FULL 8     /* the session's n_ctx positions are used up */
#define LINNET_ERROR_NOT_FOUND 9        /* no such file, key ... */
#define LINNET_ERROR_BUSY 10            /* the object is in use by another thread or session */
#define LINNET_STOPPED 11               /* the event callback returned non-zero */
#define LINNET_ERROR_INTERNAL 12        /* a bug in Linnet: please report it */

/* "LINNET_ERROR_IO" ...; "unknown status" for other numbers. Static storage. */
LINNET_API const char* linnet_status_name(linnet_status status);

/* Owned by the caller, who sets struct_size (LINNET_ERROR_INIT). Written only when a call fails. */
typedef struct linnet_error {
    uint32_t struct_size;
    linnet_status status;
    char text[504]; /* terminated; names the key, tensor, offset or argument that is wrong */
} linnet_error;
#define LINNET_ERROR_INIT              \
    {                                  \
        sizeof(linnet_error), 0, { 0 } \
    }

/* ---- Engine ------------------------------------------------------------------------------------------------------ */

typedef struct linnet_engine linnet_engine;

#define LINNET_LOG_DEBUG 0
#define LINNET_LOG_INFO 1
#define LINNET_LOG_WARNING 2

/* Runs task(arg, i) for each i in [0, n), in any order and on any threads, and returns when all are done. The tasks of
 * one call may wait for nothing but their own work; n never exceeds the engine's n_threads. */
typedef void (*linnet_parallel_for)(void* user, void (*task)(void* arg, uint32_t index), void* arg, uint32_t n);

typedef struct linnet_engine_options {
    uint32_t struct_size;
    uint32_t n_threads; /* default: the cores that this process may use; 1 = the calling thread only */
    /* All memory of the engine's objects. alloc returns null on failure, memory aligned to `align` (a power of two)
     * otherwise; free gets the same size and align. Both or neither; called from any thread that calls Linnet. */
    void* (*alloc)(void* user, size_t size, size_t align);
    void (*free)(void* user, void* ptr, size_t size, size_t align);
    void* alloc_user;
    uint64_t memory_limit; /* bytes; default: none. What would exceed it fails with LINNET_ERROR_OUT_OF_MEMORY */
    /* Warnings and facts; default: none. level is LINNET_LOG_*, text is not terminated. */
    void (*log)(void* user, int32_t level, const char* text, size_t size);
    void* log_user;
    /* The host's job system in place of the engine's own threads; called from the thread that steps a session. */
    linnet_parallel_for parallel_for;
    void* parallel_user;
    /* Instruction set: null = the best of this CPU, else "scalar", "avx2", "avx512vnni" ...; one which the library or
     * the CPU lacks is an error. Results do not depend on it, to the bit. */
    const char* isa;
} linnet_engine_options;

LINNET_API void linnet_engine_options_init(linnet_engine_options* options, uint32_t struct_size);

/* options may be null. Starts n_threads - 1 threads unless parallel_for is given; they sleep between steps. */
LINNET_API linnet_status linnet_engine_create(const linnet_engine_options* options, linnet_engine** engine,
                                              linnet_error* error);
LINNET_API void linnet_engine_destroy(linnet_engine* engine);

typedef struct linnet_engine_info {
    uint32_t struct_size;
    uint32_t n_threads;
    const char* isa;        /* the one in use */
    const char* isas;       /* space-separated: all that this library and CPU have */
    uint64_t memory_used;   /* bytes now */
    uint64_t memory_peak;   /* bytes at most so far */
    uint64_t n_allocations; /* so far */
} linnet_engine_info;

/* info->struct_size must be set. Strings live as long as the engine. */
LINNET_API linnet_status linnet_engine_get_info(const linnet_engine* engine, linnet_engine_info* info,
                                                linnet_error* error);

/* ---- Model ------------------------------------------------------------------------------------------------------- */

typedef struct linnet_model linnet_model;

/* Where a model's bytes come from when it is not a path or a buffer. All calls may come from several threads. */
typedef struct linnet_source {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t size; /* bytes */
    /* Copies [offset, offset + size) to target; returns 0 on success. Always inside [0, size). */
    int32_t (*read_at)(void* user, uint64_t offset, void* target, size_t size);
    /* Optional: all bytes, addressable and unchanging for the model's life. read_at may then be null. */
    const void* data;
    void* user;
} linnet_source;

#define LINNET_WEIGHTS_PACKED 0 /* repacked in memory at load: fastest; the file is not needed afterwards */
#define LINNET_WEIGHTS_MAPPED 1 /* used where they are, packed on the fly: instant load, shared between processes */

#define LINNET_KV_F16 0
#define LINNET_KV_F32 1
#define LINNET_KV_Q8_0                                                                             \
    2 /* 8 bits and scales: half the memory of F16, faster on long contexts, about as exact as the \
       8-bit activations of quantised weights */

typedef struct linnet_model_options {
    uint32_t struct_size;
    int32_t weights; /* LINNET_WEIGHTS_* */
    /* done of total bytes, about every 10 ms; non-zero cancels the load (LINNET_ERROR_CANCELLED). */
    int32_t (*progress)(void* user, uint64_t done, uint64_t total);
    void* progress_user;
    int32_t no_map; /* non-zero: read files instead of mapping them (safe against files that shrink meanwhile); not
                     * together with LINNET_WEIGHTS_MAPPED */
    int32_t reserved;
} linnet_model_options;

LINNET_API void linnet_model_options_init(linnet_model_options* options, uint32_t struct_size);

/* path: UTF-8, terminated. The first of split files (name-00001-of-0000N.gguf) brings the others.
 * options may be null. */
LINNET_API linnet_status linnet_model_load(linnet_engine* engine, const char* path, const linnet_model_options* options,
                                           linnet_model** model, linnet_error* error);
/* The buffer must stay valid and unchanged for the model's life when weights are mapped, else for the call only. */
LINNET_API linnet_status linnet_model_load_buffer(linnet_engine* engine, const void* data, uint64_t size,
                                                  const linnet_model_options* options, linnet_model** model,
                                                  linnet_error* error);
/* n_sources: 1, or all splits in order; each has the struct_size of the first. What they point to is used for the call
 * only, or for the model's life when weights are mapped, which needs `data`. */
LINNET_API linnet_status linnet_model_load_sources(linnet_engine* engine, const linnet_source* sources,
                                                   uint32_t n_sources, const linnet_model_options* options,
                                                   linnet_model** model, linnet_error* error);
LINNET_API void linnet_model_destroy(linnet_model* model);

typedef struct linnet_model_info {
    uint32_t struct_size;
    uint32_t n_layers;
    uint32_t d_model;
    uint32_t n_heads; /* of the first layer; likewise below */
    uint32_t n_kv_heads;
    uint32_t head_dim;
    uint32_t d_ff;
    uint32_t n_vocab;
    uint32_t n_ctx_train; /* context length that the model was trained with */
    uint32_t n_metadata;  /* number of metadata entries */
    uint64_t n_parameters;
    uint64_t file_size;       /* bytes, all splits */
    const char* architecture; /* "llama", "gemma3" ...; lives as long as the model */
    const char* name;         /* general.name or "" */
    const char* format;       /* the tensor type with the most bytes: "Q4_K" ... */
    uint32_t n_embedding;     /* floats of a vector that linnet_embed makes of a text, pooled as the file says */
    int32_t pooling;          /* LINNET_POOLING_* of the file; LINNET_POOLING_NONE when it says nothing */
    int32_t bidirectional;    /* 1: positions see those behind them, so that sessions are refused; else 0 */
    uint32_t reserved;
} linnet_model_info;

LINNET_API linnet_status linnet_model_get_info(const linnet_model* model, linnet_model_info* info, linnet_error* error);

/* The value of a metadata key as text: strings as they are, numbers in decimal, booleans "true"/"false", arrays as JSON
 * (at most 1,000 elements, then "..."). buffer may be null when capacity is 0. *size is the size needed without
 * terminator; LINNET_ERROR_BUFFER_TOO_SMALL when capacity <= *size, with nothing written; LINNET_ERROR_NOT_FOUND. */
LINNET_API linnet_status linnet_model_get_metadata(const linnet_model* model, const char* key, char* buffer,
                                                   size_t capacity, size_t* size, linnet_error* error);
/* The index-th key in file order, as above. */
LINNET_API linnet_status linnet_model_get_metadata_key(const linnet_model* model, uint32_t index, char* buffer,
                                                       size_t capacity, size_t* size, linnet_error* error);

/* ---- Memory plan ------------------------------------------------------------------------------------------------- */

typedef struct linnet_session_options {
    uint32_t struct_size;
    uint32_t n_ctx;   /* positions that the session can hold; default: min(n_ctx_train, 4096) */
    uint32_t n_batch; /* most tokens that one pass computes; default 512 */
    int32_t kv_type;  /* LINNET_KV_* */
} linnet_session_options;

LINNET_API void linnet_session_options_init(linnet_session_options* options, uint32_t struct_size);

/* Bytes that loading and then creating one session takes from the engine's allocator: exact, known beforehand. */
typedef struct linnet_memory_plan {
    uint32_t struct_size;
    uint32_t n_ctx;          /* as the session would have it */
    uint64_t weights_bytes;  /* packed weights; 0 when mapped */
    uint64_t metadata_bytes; /* model without weights: tables, vocabulary, layer descriptions */
    uint64_t kv_bytes;       /* KV cache of one session */
    uint64_t scratch_bytes;  /* all else of one session */
    uint64_t total_bytes;    /* sum of these */
    uint64_t file_bytes;     /* size of the file */
} linnet_memory_plan;

/* Reads the header only. model_options and session_options may be null. Of models that have no sessions
 * (linnet_model_info's bidirectional): what linnet_embed takes for a text of n_ctx tokens. */
LINNET_API linnet_status linnet_plan(linnet_engine* engine, const char* path, const linnet_model_options* model_options,
                                     const linnet_session_options* session_options, linnet_memory_plan* plan,
                                     linnet_error* error);

/* ---- Tokens ------------------------------------------------------------------------------------------------------ */

typedef int32_t linnet_token;

#define LINNET_TOKENIZE_NO_SPECIAL 1u /* do not add the BOS / EOS that the model asks for */
#define LINNET_TOKENIZE_PLAIN 2u      /* control tokens written in the text are plain text */

/* *n_tokens is the number of tokens of the text, also when capacity is too small (LINNET_ERROR_BUFFER_TOO_SMALL). */
LINNET_API linnet_status linnet_tokenize(const linnet_model* model, const char* text, size_t size, uint32_t flags,
                                         linnet_token* tokens, size_t capacity, size_t* n_tokens, linnet_error* error);

#define LINNET_DETOKENIZE_SKIP_SPECIAL 1u /* leave control tokens out */

/* Whole text of the tokens, invalid UTF-8 replaced by U+FFFD; not terminated. *size as in linnet_model_get_metadata,
 * but LINNET_ERROR_BUFFER_TOO_SMALL only when capacity < *size. */
LINNET_API linnet_status linnet_detokenize(const linnet_model* model, const linnet_token* tokens, size_t n_tokens,
                                           uint32_t flags, char* buffer, size_t capacity, size_t* size,
                                           linnet_error* error);

/* The bytes which one token adds to a text, control tokens as their text; may be part of a character. buffer, capacity
 * and *size as in linnet_detokenize. */
LINNET_API linnet_status linnet_token_get_bytes(const linnet_model* model, linnet_token token, char* buffer,
                                                size_t capacity, size_t* size, linnet_error* error);

#define LINNET_TOKEN_CONTROL 1u      /* not text: <s>, <|im_end|> ... */
#define LINNET_TOKEN_END 2u          /* ends a generation */
#define LINNET_TOKEN_USER_DEFINED 4u /* added to the vocabulary as a whole */
#define LINNET_TOKEN_BYTE 8u         /* byte fallback */
#define LINNET_TOKEN_UNUSED 16u
#define LINNET_TOKEN_UNKNOWN 32u

LINNET_API linnet_status linnet_token_get_attributes(const linnet_model* model, linnet_token token,
                                                     uint32_t* attributes, linnet_error* error);

#define LINNET_SPECIAL_BOS 0
#define LINNET_SPECIAL_EOS 1
#define LINNET_SPECIAL_EOT 2

/* *token = -1 when the model has none. */
LINNET_API linnet_status linnet_model_get_special_token(const linnet_model* model, int32_t which, linnet_token* token,
                                                        linnet_error* error);

/* ---- Sampler ----------------------------------------------------------------------------------------------------- */

typedef struct linnet_sampler linnet_sampler;

typedef struct linnet_logit_bias {
    linnet_token token;
    float bias; /* added to the logit; -INFINITY bans the token */
} linnet_logit_bias;

/* A text and its length in bytes. */
typedef struct linnet_text {
    const char* data;
    size_t size;
} linnet_text;

#define LINNET_STAGE_PENALTIES 1 /* repetition, frequency, presence */
#define LINNET_STAGE_DRY 2
#define LINNET_STAGE_TOP_N_SIGMA 3
#define LINNET_STAGE_TOP_K 4
#define LINNET_STAGE_TYPICAL 5
#define LINNET_STAGE_TOP_P 6
#define LINNET_STAGE_MIN_P 7
#define LINNET_STAGE_XTC 8
#define LINNET_STAGE_TEMPERATURE 9

/* Biases and banned texts come first, then the stages in the order of their numbers or in the host's (`stages`), then
 * the choice. Probabilities are always those of the candidates that are left, at the temperature so far. Zero switches
 * a stage off; with all of it zero the sampler is greedy. Seeded and platform-independent: same seed, same tokens,
 * everywhere. Sampling allocates nothing. */
typedef struct linnet_sampler_options {
    uint32_t struct_size;
    uint32_t top_k;           /* keep the k most probable */
    float temperature;        /* 0 = greedy */
    float top_p;              /* keep the fewest tokens whose probabilities reach this; 0 or >= 1: all */
    float min_p;              /* drop what is below this share of the most probable one */
    float repetition_penalty; /* divides positive, multiplies negative logits of recent tokens; 0 or 1 = off */
    float frequency_penalty;  /* subtracted per occurrence */
    float presence_penalty;   /* subtracted once */
    uint32_t penalty_window;  /* how many of the latest tokens count; default 64 */
    uint32_t reserved;
    uint64_t seed;
    const linnet_logit_bias* biases; /* copied */
    size_t n_biases;
    float typical_p;            /* keep the fewest tokens next to the entropy that reach this; 0 or >= 1: all */
    float top_n_sigma;          /* drop logits further below the best than this many standard deviations of all */
    float xtc_probability;      /* how often XTC drops, of the tokens that reach the threshold, all but the last */
    float xtc_threshold;        /* probability; default 0.1 */
    float temperature_range;    /* dynamic: temperature -+ this, the higher the nearer the entropy to its greatest */
    float temperature_exponent; /* of entropy / greatest entropy; default 1 */
    float mirostat_tau;         /* mirostat 2 chooses: surprise to keep to, in bits; 0 = off */
    float mirostat_eta;         /* its rate of learning; default 0.1 */
    float dry_multiplier; /* DRY: subtracts dry_multiplier * dry_base^(n - dry_allowed_length) from a token that */
    float dry_base;       /* would make the last n tokens' repetition longer, n >= dry_allowed_length; */
    uint32_t dry_allowed_length;     /* defaults: base 1.75, length 2 */
    uint32_t dry_window;             /* how many of the latest tokens DRY looks at; default 1024 */
    const linnet_text* dry_breakers; /* texts whose tokens end a repetition; copied; default: newline : " * */
    size_t n_dry_breakers;
    const linnet_text* banned; /* texts that the tokens chosen never complete, at most 4,096 bytes in all; copied */
    size_t n_banned;
    const int32_t* stages; /* LINNET_STAGE_*, each at most once, in the order wanted, others are off; copied */
    size_t n_stages;       /* 0: all of them in the order of their numbers */
} linnet_sampler_options;

LINNET_API void linnet_sampler_options_init(linnet_sampler_options* options, uint32_t struct_size);

/* For sessions of this model. options may be null (greedy). */
LINNET_API linnet_status linnet_sampler_create(linnet_model* model, const linnet_sampler_options* options,
                                               linnet_sampler** sampler, linnet_error* error);
LINNET_API void linnet_sampler_destroy(linnet_sampler* sampler);
/* Back to the state after creation: seed and history. */
LINNET_API linnet_status linnet_sampler_reset(linnet_sampler* sampler, linnet_error* error);
/* Chooses from n_vocab logits (unchanged) and notes the choice in the history. For hosts with a loop of their own. */
LINNET_API linnet_status linnet_sampler_sample(linnet_sampler* sampler, const float* logits, size_t n_logits,
                                               linnet_token* token, linnet_error* error);

/* ---- Session ----------------------------------------------------------------------------------------------------- */

typedef struct linnet_session linnet_session;

/* options may be null. All memory of the session is taken here: stepping allocates nothing. */
LINNET_API linnet_status linnet_session_create(linnet_model* model, const linnet_session_options* options,
                                               linnet_session** session, linnet_error* error);
LINNET_API void linnet_session_destroy(linnet_session* session);

/* Appends to the sequence; nothing is computed before the next step. LINNET_ERROR_CONTEXT_FULL when it does not fit,
 * with nothing appended. flags: LINNET_TOKENIZE_*; BOS is added only at the start of the sequence. */
LINNET_API linnet_status linnet_session_append_text(linnet_session* session, const char* text, size_t size,
                                                    uint32_t flags, linnet_error* error);
LINNET_API linnet_status linnet_session_append_tokens(linnet_session* session, const linnet_token* tokens,
                                                      size_t n_tokens, linnet_error* error);

/* The sampler which step uses; null = greedy. The session keeps it alive. LINNET_ERROR_BUSY when another session has
 * it, LINNET_ERROR_INVALID_ARGUMENT when it belongs to another model. */
LINNET_API linnet_status linnet_session_set_sampler(linnet_session* session, linnet_sampler* sampler,
                                                    linnet_error* error);

#define LINNET_EVENT_PROGRESS 1 /* part of what was appended has been computed */
#define LINNET_EVENT_TOKEN 2    /* a token was chosen and appended; `text` is what became complete (maybe nothing) */
#define LINNET_EVENT_DONE 3     /* generation ended: see reason; `text` is what had still been waiting */
#define LINNET_EVENT_BUDGET 4   /* the time budget is spent; call again to go on, no work is lost */

#define LINNET_DONE_END_TOKEN 1    /* the model ended its text (the end token is in the sequence, its text is not) */
#define LINNET_DONE_CONTEXT_FULL 2 /* n_ctx positions are used */
#define LINNET_DONE_MAX_TOKENS 3   /* linnet_session_generate's limit */
#define LINNET_DONE_GRAMMAR 4      /* the text satisfies the session's grammar and nothing more can come */
#define LINNET_DONE_STOP 5         /* one of the session's stops; a stop text is not shown */

typedef struct linnet_event {
    uint32_t struct_size;
    int32_t kind;       /* LINNET_EVENT_* */
    linnet_token token; /* TOKEN, DONE by end token: the token; else -1 */
    int32_t reason;     /* DONE: LINNET_DONE_* */
    const char* text;   /* TOKEN, DONE: complete UTF-8; else "". Terminated; valid until the session's next call */
    size_t text_size;
    uint32_t n_past;    /* positions computed so far */
    uint32_t n_pending; /* positions appended and not yet computed */
} linnet_event;

/* Goes on until the next event. budget_us: the time after which it returns LINNET_EVENT_BUDGET with its work kept, also
 * in the middle of a token; 0 = none. A step which finds nothing appended since the last DONE continues the text.
 * event->struct_size must be set. LINNET_ERROR_INVALID_ARGUMENT when the sequence is empty. */
LINNET_API linnet_status linnet_session_step(linnet_session* session, uint64_t budget_us, linnet_event* event,
                                             linnet_error* error);

/* Non-zero stops (LINNET_STOPPED). */
typedef int32_t (*linnet_event_callback)(void* user, const linnet_event* event);

/* Steps until DONE or max_tokens (0 = no limit of its own), giving each event to the callback (may be null). */
LINNET_API linnet_status linnet_session_generate(linnet_session* session, uint32_t max_tokens,
                                                 linnet_event_callback callback, void* user, linnet_error* error);

/* From any thread: the running step, or the next one when none runs, returns LINNET_ERROR_CANCELLED within 10 ms. The
 * session stays usable: the next step goes on. */
LINNET_API void linnet_session_cancel(linnet_session* session);

/* Computes what is pending without choosing a token. Then linnet_session_get_logits gives the logits after the last
 * one: for hosts with a loop of their own. budget_us and event as in linnet_session_step: PROGRESS with n_pending = 0
 * when all is computed. */
LINNET_API linnet_status linnet_session_prefill(linnet_session* session, uint64_t budget_us, linnet_event* event,
                                                linnet_error* error);

/* The n_vocab logits after the last computed token. Valid until the next call on the session.
 * LINNET_ERROR_NOT_FOUND while what was appended is not computed to its end, and after a truncate of computed tokens.
 */
LINNET_API linnet_status linnet_session_get_logits(linnet_session* session, const float** logits, size_t* n_logits,
                                                   linnet_error* error);

/* The tokens of the sequence, computed and pending. Valid until the next call on the session. */
LINNET_API linnet_status linnet_session_get_tokens(const linnet_session* session, const linnet_token** tokens,
                                                   size_t* n_tokens, linnet_error* error);

/* Forgets all from position n_tokens on. Sliding-window layers hold only their window: when the tokens just before
 * n_tokens have left it, what is needed of them is computed again at the next step, so any n_tokens up to the length
 * of the sequence works. */
LINNET_API linnet_status linnet_session_truncate(linnet_session* session, size_t n_tokens, linnet_error* error);

/* ---- Grammar ----------------------------------------------------------------------------------------------------- */

typedef struct linnet_grammar linnet_grammar;

#define LINNET_GRAMMAR_JSON_SCHEMA 1         /* text: JSON schema, draft 2020-12; white space is free */
#define LINNET_GRAMMAR_JSON_SCHEMA_COMPACT 2 /* the same, and no white space between JSON's tokens */
#define LINNET_GRAMMAR_GBNF 3                /* text: GBNF rules, the text is `root` */
#define LINNET_GRAMMAR_REGEX 4               /* text: regular expression for the whole text */
#define LINNET_GRAMMAR_CHOICES 5             /* text: JSON array of strings, one of which is the text */

/* Compiles what may be generated, for sessions of this model. kind: LINNET_GRAMMAR_*. Errors name line and column or a
 * JSON pointer: LINNET_ERROR_INVALID_ARGUMENT for a text that is wrong or allows nothing, LINNET_ERROR_UNSUPPORTED for
 * a keyword that cannot be enforced (none is ever dropped) and for what exceeds the limits on size and nesting.
 * A model's first grammar also takes an index of the vocabulary, which the others share. Immutable: any thread. */
LINNET_API linnet_status linnet_grammar_create(linnet_model* model, int32_t kind, const char* text, size_t size,
                                               linnet_grammar** grammar, linnet_error* error);
LINNET_API void linnet_grammar_destroy(linnet_grammar* grammar);

/* From here on what is generated is a text of the grammar; null = anything again. The session keeps the grammar alive.
 * - The grammar's text begins where the session stands, and anew after each append: what the host appends is not part
 *   of it. Truncating goes back in it.
 * - Tokens that may not come are left out before the sampler. The model may end its text only where the grammar's may
 *   end; where nothing else can come, the session is DONE with LINNET_DONE_GRAMMAR and stays so until something is
 *   appended, truncated, or the grammar changed.
 * - Text that follows without choice is appended as the tokenizer writes it, one TOKEN event each, and computed in one
 *   go with what comes next. It may take the place of the last tokens, when the tokenizer writes both together in
 *   another way; texts of events still join up, linnet_session_get_tokens has the tokens.
 * - Steps take memory for situations of the grammar that come up for the first time, at most some 64 MB.
 * LINNET_ERROR_INVALID_ARGUMENT when the grammar belongs to another model. Steps may fail with LINNET_ERROR_UNSUPPORTED
 * when the vocabulary cannot spell what has to come, or a text needs too many states. */
LINNET_API linnet_status linnet_session_set_grammar(linnet_session* session, linnet_grammar* grammar,
                                                    linnet_error* error);

/* ---- Stops, log-probabilities, scores ---------------------------------------------------------------------------- */

/* Where generations end besides end tokens (LINNET_DONE_STOP); in place of those set before, none = neither.
 * texts: never shown, also when they come in parts or across tokens. What may be the beginning of one is held back by
 * the events until it is certain. Only generated text counts, and it begins anew after an append. At most 4,096 bytes
 * in all. The tokens that made up the stop text stay in the sequence.
 * tokens: like the model's end tokens; in the sequence, their text is not shown. */
LINNET_API linnet_status linnet_session_set_stops(linnet_session* session, const linnet_text* texts, size_t n_texts,
                                                  const linnet_token* tokens, size_t n_tokens, linnet_error* error);

typedef struct linnet_logprob {
    linnet_token token;
    float logprob; /* natural logarithm; of the model's own distribution: temperature 1, before sampler and grammar */
} linnet_logprob;

/* After a TOKEN event: what the model thought of the token, and of the n_top most probable ones, best first. chosen may
 * be null; its token is -1 unless exactly one token follows those that the logits are of (after a forced token of a
 * grammar there may be more). LINNET_ERROR_NOT_FOUND when there are no logits, as in linnet_session_get_logits. */
LINNET_API linnet_status linnet_session_get_logprobs(linnet_session* session, linnet_logprob* chosen,
                                                     linnet_logprob* top, size_t n_top, linnet_error* error);

typedef struct linnet_continuation_score {
    double logprob;    /* natural logarithm of the probability that the text goes on with the continuation */
    uint32_t n_tokens; /* of the continuation */
    uint32_t reserved;
} linnet_continuation_score;

/* How probable each continuation is after the sequence: classification and ranking without generating. The sequence is
 * computed once, if it is not already, and is afterwards what it was; a continuation of n tokens takes n - 1 passes
 * more, so that labels of one token cost nothing. Continuations are tokenised as linnet_session_append_text would
 * (flags as there, without BOS), so they usually begin with a space. scores: [n_continuations]. linnet_session_cancel
 * ends it with LINNET_ERROR_CANCELLED; LINNET_ERROR_CONTEXT_FULL when one does not fit. */
LINNET_API linnet_status linnet_score(linnet_session* session, const linnet_text* continuations, size_t n_continuations,
                                      uint32_t flags, linnet_continuation_score* scores, linnet_error* error);

/* Appends a text with a gap, as the model was trained to fill it in; what is then generated is what belongs there.
 * BOS at the start of the sequence when the model asks for it; control tokens in the texts are plain text.
 * LINNET_ERROR_UNSUPPORTED when the model has no tokens for it. */
LINNET_API linnet_status linnet_session_append_fim(linnet_session* session, const char* prefix, size_t prefix_size,
                                                   const char* suffix, size_t suffix_size, linnet_error* error);

/* ---- Chat -------------------------------------------------------------------------------------------------------- */

/* A conversation is JSON in the shape that OpenAI's API uses:
 *
 *   {"messages": [{"role": "system", "content": "Be brief."},
 *                 {"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
 *    "tools": [{"type": "function", "function": {"name": "f", "description": "...", "parameters": {...}}}],
 *    "extra": {"enable_thinking": false}}
 *
 * messages    role, content (a string, or a list of parts), tool_calls, tool_call_id, reasoning_content ... Lists of
 *             text parts, and arguments of calls as text or as an object, become what the template can show
 * tools       functions that the model may call; optional, like all below
 * documents   for templates that show some
 *             Both: LINNET_ERROR_UNSUPPORTED when the template shows nothing of them
 * extra       further variables of the template, such as enable_thinking or reasoning_effort
 * now         the local time, "2025-03-09T15:04:05", for templates that tell the date: the library asks no clock.
 *             Without it strftime_now is undefined in templates, which is an error in those that insist on it
 * add_generation_prompt    true: the text ends where the assistant begins to speak
 * continue_final_message   true: the text ends right after the last message's, for the model to go on with it
 *
 * Without the last two, a last message of the assistant is continued, and otherwise the assistant's turn is opened.
 * It is rendered with the model's chat template: options, else the file's own, else a built-in one by special tokens
 * and architecture (docs/chat.md). Templates are bounded in steps, memory and output: what would take more ends with
 * LINNET_ERROR_UNSUPPORTED, within 50 ms for usual conversations.
 *
 * Errors: LINNET_ERROR_INVALID_ARGUMENT with line and column for what is not JSON, with a JSON pointer
 * ("/messages/3/content") for a wrong shape, with the template's line and column, or its own words, when it fails;
 * LINNET_ERROR_BAD_FILE with line and column when it is no template; LINNET_ERROR_NOT_FOUND when there is none.
 *
 * Special tokens written in the text are parsed, those in messages included: what comes from strangers and must not end
 * its turn has to be cleaned by the host. */
typedef struct linnet_chat_options {
    uint32_t struct_size;
    uint32_t reserved;
    const char* chat_template; /* Jinja source, or the name of a built-in one ("chatml"); default: the model's */
    size_t chat_template_size;
} linnet_chat_options;

LINNET_API void linnet_chat_options_init(linnet_chat_options* options, uint32_t struct_size);

/* Makes the session's sequence the whole conversation: the longest prefix of tokens that the sequence has in common
 * with it stays, with what was computed for it; the rest is forgotten, and what is new is appended. So a host gives the
 * whole conversation each time, also when the template rewrites earlier turns (leaves out their reasoning). *n_reused
 * (may be null): the tokens that stayed. LINNET_ERROR_CONTEXT_FULL when it has more than n_ctx tokens; after any error
 * the sequence is as before. options may be null. */
LINNET_API linnet_status linnet_session_append_chat(linnet_session* session, const char* json, size_t size,
                                                    const linnet_chat_options* options, size_t* n_reused,
                                                    linnet_error* error);

/* The text of the conversation. buffer, capacity and *size as in linnet_detokenize. options may be null. */
LINNET_API linnet_status linnet_model_render_chat(const linnet_model* model, const char* json, size_t json_size,
                                                  const linnet_chat_options* options, char* buffer, size_t capacity,
                                                  size_t* size, linnet_error* error);

/* ---- Reply ------------------------------------------------------------------------------------------------------- */

/* Reads what a model writes, while it writes it, into text, reasoning and tool calls. One thread at a time. */
typedef struct linnet_reply linnet_reply;

typedef struct linnet_reply_options {
    uint32_t struct_size;
    uint32_t reserved;
    const char* format; /* name of the format of replies (docs/chat.md); default: that of the model's chat template */
    size_t format_size;
    const char* chat_template; /* what the conversation was rendered with, as in linnet_chat_options */
    size_t chat_template_size;
    const char* tools; /* JSON, "tools" of the conversation: tells strings from numbers in formats that do not */
    size_t tools_size;
    /* The one that is about to reply: the end of its sequence shows whether the template has begun the reasoning
     * already. Used for the call only; default: it has not. */
    const linnet_session* session;
} linnet_reply_options;

LINNET_API void linnet_reply_options_init(linnet_reply_options* options, uint32_t struct_size);

/* For one reply. options may be null. LINNET_ERROR_NOT_FOUND: no such format or template. */
LINNET_API linnet_status linnet_reply_create(const linnet_model* model, const linnet_reply_options* options,
                                             linnet_reply** reply, linnet_error* error);
LINNET_API void linnet_reply_destroy(linnet_reply* reply);

/* The next piece of the reply, cut anywhere: the events do not depend on it. Give tokens where there are any, for the
 * markers around tool calls are often control tokens, which the text of events leaves out; tokens that end a generation
 * say nothing. After LINNET_ERROR_OUT_OF_MEMORY a part of the reply may be missing. */
LINNET_API linnet_status linnet_reply_feed(linnet_reply* reply, const char* text, size_t size, linnet_error* error);
LINNET_API linnet_status linnet_reply_feed_token(linnet_reply* reply, linnet_token token, linnet_error* error);
/* The reply is complete: what waited becomes events, and nothing can be fed any more. */
LINNET_API linnet_status linnet_reply_finish(linnet_reply* reply, linnet_error* error);

#define LINNET_REPLY_NONE 0      /* no event before more is fed */
#define LINNET_REPLY_TEXT 1      /* a piece of the answer */
#define LINNET_REPLY_REASONING 2 /* a piece of the reasoning before it */
#define LINNET_REPLY_TOOL_CALL 3 /* a complete call: name, id, text = its arguments, a JSON object */
#define LINNET_REPLY_WARNING 4   /* what looked like a tool call is none: it was given as text; text says why */

typedef struct linnet_reply_event {
    uint32_t struct_size;
    int32_t kind;   /* LINNET_REPLY_* */
    uint32_t index; /* TOOL_CALL: 0, 1 ... */
    uint32_t reserved;
    const char* text; /* complete UTF-8; not terminated; this and the others are valid until the reply's next call */
    size_t text_size;
    const char* name; /* TOOL_CALL */
    size_t name_size;
    const char* id; /* TOOL_CALL, when the model gave one */
    size_t id_size;
} linnet_reply_event;

/* The oldest event that was not given yet. event->struct_size must be set. */
LINNET_API linnet_status linnet_reply_next(linnet_reply* reply, linnet_reply_event* event, linnet_error* error);

/* ---- Embedding and ranking --------------------------------------------------------------------------------------- */

#define LINNET_POOLING_DEFAULT 0 /* as the model's file says */
#define LINNET_POOLING_NONE 1    /* a vector for each token */
#define LINNET_POOLING_MEAN 2    /* of all tokens' states */
#define LINNET_POOLING_CLS 3     /* the first token's state */
#define LINNET_POOLING_LAST 4    /* the last token's state */
#define LINNET_POOLING_RANK 5    /* the scores of the file's classifier */

typedef struct linnet_embed_options {
    uint32_t struct_size;
    int32_t pooling;  /* LINNET_POOLING_*; the default is refused when the file names none */
    uint32_t n_ctx;   /* most tokens of a text; default: the model's n_ctx_train */
    uint32_t flags;   /* LINNET_TOKENIZE_* */
    int32_t truncate; /* non-zero: a longer text loses its end (the token that the tokeniser puts behind a text stays);
                       * default: it is refused with LINNET_ERROR_CONTEXT_FULL */
    int32_t no_normalise; /* non-zero: vectors are not divided by their length. Scores never are */
    /* done of total texts, before each of them; non-zero cancels (LINNET_ERROR_CANCELLED). */
    int32_t (*progress)(void* user, uint64_t done, uint64_t total);
    void* progress_user;
} linnet_embed_options;

LINNET_API void linnet_embed_options_init(linnet_embed_options* options, uint32_t struct_size);

/* Makes a vector of each text: of the model's final hidden states, pooled. Works for encoders (BERT, EmbeddingGemma
 * ...) and for decoders alike. vectors[n_texts][n_embedding] of linnet_model_info, in the order of the texts; with
 * LINNET_POOLING_RANK a text's scores; with LINNET_POOLING_NONE one vector for each token of each text, as many as
 * linnet_tokenize with the same flags says. *n_floats is what is needed in all, also when capacity (in floats) is too
 * small (LINNET_ERROR_BUFFER_TOO_SMALL), with nothing computed.
 * Each text is computed by itself: its vector has the same bits whatever else is in the call, on every instruction set
 * and for any number of threads. All texts are checked before anything is computed: LINNET_ERROR_INVALID_ARGUMENT names
 * one without tokens, LINNET_ERROR_CONTEXT_FULL one that is too long; LINNET_ERROR_UNSUPPORTED: the model cannot rank.
 * A text that ranks is a query and a document as the model's card joins them: "query[SEP]document" for BERT.
 * Memory for the longest text is taken for the call only. options may be null. Any number of threads may call it for
 * one model; they take turns. */
LINNET_API linnet_status linnet_embed(const linnet_model* model, const linnet_embed_options* options,
                                      const linnet_text* texts, size_t n_texts, float* vectors, size_t capacity,
                                      size_t* n_floats, linnet_error* error);

#define LINNET_TOOLS_SEVERAL 1u /* one call or more, in formats that have several */

typedef struct linnet_tool_options {
    uint32_t struct_size;
    uint32_t flags;     /* LINNET_TOOLS_* */
    const char* format; /* as in linnet_reply_options; likewise below */
    size_t format_size;
    const char* chat_template;
    size_t chat_template_size;
} linnet_tool_options;

LINNET_API void linnet_tool_options_init(linnet_tool_options* options, uint32_t struct_size);

/* A grammar whose text is a call of one of the tools (JSON, "tools" of a conversation), as the model writes it, with
 * arguments of the tool's schema: with it the model has to call. What comes before, up to the last control token, is
 * the opening: append it with linnet_session_append_text, feed it to the linnet_reply, then set the grammar and feed
 * the reply the events' texts. options may be null.
 * What the grammar lets through, linnet_reply reads back as calls whose arguments satisfy the schemas, when it was
 * created with the same format and tools: so strings that would end the call are left out.
 * LINNET_ERROR_INVALID_ARGUMENT, _UNSUPPORTED as in linnet_grammar_create; also unsupported are names and strings that
 * the format cannot write, formats with control tokens inside of arguments, and several tools in formats that have
 * them behind the name: give the one to be called. */
LINNET_API linnet_status linnet_grammar_create_tools(linnet_model* model, const char* tools, size_t size,
                                                     const linnet_tool_options* options, linnet_grammar** grammar,
                                                     linnet_error* error);
/* "" for other grammars. buffer, capacity and *size as in linnet_detokenize. */
LINNET_API linnet_status linnet_grammar_get_opening(const linnet_grammar* grammar, char* buffer, size_t capacity,
                                                    size_t* size, linnet_error* error);

#ifdef __cplusplus
}
#endif

#endif /* LINNET_H */
