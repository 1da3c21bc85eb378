/* SPDX-License-Identifier: MIT
 * A program in C: the header has to mean the same to a C compiler. Called by structs.cpp.
 */
#include <string.h>

#include "linnet.h"

struct text {
    char* data;
    size_t capacity;
    size_t size;
};

static int32_t collect(void* user, const linnet_event* event) {
    struct text* text = user;
    if (event->text_size > text->capacity - text->size) return 1;
    memcpy(text->data + text->size, event->text, event->text_size);
    text->size += event->text_size;
    return 0;
}

/* The text that follows the prompt; *size bytes. Returns a status. */
linnet_status c_program(const char* path, const char* prompt, char* out, size_t capacity, size_t* size,
                        linnet_error* error) {
    linnet_engine_options engine_options;
    linnet_model_options model_options;
    linnet_session_options session_options;
    linnet_sampler_options sampler_options;
    linnet_engine* engine = NULL;
    linnet_model* model = NULL;
    linnet_session* session = NULL;
    linnet_sampler* sampler = NULL;
    struct text text;
    linnet_status status;

    linnet_engine_options_init(&engine_options, sizeof engine_options);
    linnet_model_options_init(&model_options, sizeof model_options);
    linnet_session_options_init(&session_options, sizeof session_options);
    linnet_sampler_options_init(&sampler_options, sizeof sampler_options);
    engine_options.n_threads = 2;
    session_options.n_ctx = 64;
    text.data = out;
    text.capacity = capacity;
    text.size = 0;

    status = linnet_engine_create(&engine_options, &engine, error);
    if (status == LINNET_OK) status = linnet_model_load(engine, path, &model_options, &model, error);
    if (status == LINNET_OK) status = linnet_session_create(model, &session_options, &session, error);
    if (status == LINNET_OK) status = linnet_sampler_create(model, &sampler_options, &sampler, error);
    if (status == LINNET_OK) status = linnet_session_set_sampler(session, sampler, error);
    if (status == LINNET_OK) status = linnet_session_append_text(session, prompt, strlen(prompt), 0, error);
    if (status == LINNET_OK) status = linnet_session_generate(session, 16, collect, &text, error);
    linnet_engine_destroy(engine);
    linnet_model_destroy(model);
    linnet_sampler_destroy(sampler);
    linnet_session_destroy(session);
    *size = text.size;
    return status;
}
