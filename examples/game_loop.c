/* SPDX-License-Identifier: MIT
 * A game loop: 60 frames a second, of which the model gets 2 ms each; its text appears as it comes. At the end the
 * worst time that a frame gave to the model.   game_loop [MODEL [FRAMES [BUDGET_US [PROMPT]]]]
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linnet.h"

/* A step ends with the first piece of work that ends after its budget: frames count as late beyond this. */
enum { kSlackUs = 500 };

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_until(int64_t time_us) {
    struct timespec t;
    t.tv_sec = (time_t)(time_us / 1000000);
    t.tv_nsec = (long)(time_us % 1000000) * 1000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
    }
}

/* One frame's share: steps until its budget is spent or the text ends. */
static linnet_status think(linnet_session* session, int64_t budget_us, linnet_event* event, linnet_error* error) {
    const int64_t end = now_us() + budget_us;
    for (int64_t left = budget_us; left > 0; left = end - now_us()) {
        const linnet_status status = linnet_session_step(session, (uint64_t)left, event, error);
        if (status != LINNET_OK || event->kind == LINNET_EVENT_BUDGET) return status;
        fwrite(event->text, 1, event->text_size, stdout);
        if (event->kind == LINNET_EVENT_DONE) return status;
    }
    return LINNET_OK;
}

int main(int argc, char** argv) {
    const char* path = argc > 1 ? argv[1] : "models/tiny-tales-6m-Q8_0.gguf";
    const int n_frames = argc > 2 ? atoi(argv[2]) : 300;
    const int64_t budget_us = argc > 3 ? atoi(argv[3]) : 2000;
    const char* prompt = argc > 4 ? argv[4] : "The little fox looked at the old wooden door and";
    const int64_t frame_us = 1000000 / 60;
    linnet_error error = LINNET_ERROR_INIT;
    linnet_engine* engine = NULL;
    linnet_model* model = NULL;
    linnet_session* session = NULL;
    linnet_event event;
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;

    linnet_status status = linnet_engine_create(NULL, &engine, &error);
    if (status == LINNET_OK) status = linnet_model_load(engine, path, NULL, &model, &error);
    if (status == LINNET_OK) status = linnet_session_create(model, NULL, &session, &error);
    if (status == LINNET_OK) status = linnet_session_append_text(session, prompt, strlen(prompt), 0, &error);

    int64_t worst_us = 0;
    int64_t spent_us = 0;
    int n_over = 0;
    int frame = 0;
    for (int64_t start = now_us(); status == LINNET_OK && frame < n_frames; ++frame, start += frame_us) {
        const int64_t before = now_us();
        status = think(session, budget_us, &event, &error);
        const int64_t took = now_us() - before;
        spent_us += took;
        if (took > worst_us) worst_us = took;
        if (took > budget_us + kSlackUs) ++n_over;
        fflush(stdout);
        if (event.kind == LINNET_EVENT_DONE) break;
        sleep_until(start + frame_us); /* here a game would simulate and draw */
    }
    if (status == LINNET_OK) {
        if (frame < n_frames) ++frame; /* the one in which the text ended */
        printf(
            "\n%d frames with %lld us for the model: %lld us in the mean, %lld us at worst, %d frames late by %d us\n",
            frame, (long long)budget_us, (long long)(frame > 0 ? spent_us / frame : 0), (long long)worst_us, n_over,
            kSlackUs);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    linnet_session_destroy(session);
    linnet_model_destroy(model);
    linnet_engine_destroy(engine);
    return status;
}
