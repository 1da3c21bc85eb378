/* SPDX-License-Identifier: MIT
 * An editor's completion: one thread types, one completes what stands before the cursor; each key cancels the request
 * before it. Models that can fill in are given the text behind the cursor as well. At the end the completion that was
 * not cancelled, and how long requests took to give way.   complete [MODEL [TEXT [TEXT_BEHIND]]]
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "linnet.h"

enum { kMaxText = 1000, kMaxTokens = 400, kKeyMs = 4 };

/* What both threads share. */
typedef struct editor {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const char* text;
    const char* behind;
    size_t n_typed;    /* bytes of text before the cursor */
    unsigned request;  /* grows with each key */
    unsigned taken;    /* the request that the completer turned to */
    unsigned answered; /* the request that was completed to its end */
    double asked_ms;   /* when the first key came that the completer has not turned to */
    int closed;
    linnet_session* session;
    double waits_ms[kMaxText]; /* from a key to the completer's turning to it */
    size_t n_waits;
    char completion[8 * kMaxTokens];
    linnet_error error;
} editor;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_size(const void* a, const void* b) {
    const double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

static int32_t collect(void* user, const linnet_event* event) {
    editor* e = user;
    const size_t n = strlen(e->completion);
    if (n + event->text_size < sizeof e->completion) memcpy(e->completion + n, event->text, event->text_size + 1);
    return 0;
}

/* Asks for the text at the cursor as the model was trained to be asked; a model that cannot fill in goes on with it. */
static linnet_status ask(editor* e, size_t n_typed) {
    linnet_status status = linnet_session_truncate(e->session, 0, &e->error);
    if (status != LINNET_OK) return status;
    status = linnet_session_append_fim(e->session, e->text, n_typed, e->behind, strlen(e->behind), &e->error);
    if (status != LINNET_ERROR_UNSUPPORTED) return status;
    return linnet_session_append_text(e->session, e->text, n_typed, 0, &e->error);
}

static void* complete(void* arg) {
    editor* e = arg;
    unsigned seen = 0;
    linnet_status status = LINNET_OK;
    pthread_mutex_lock(&e->lock);
    while (status == LINNET_OK) {
        while (!e->closed && e->request == seen) pthread_cond_wait(&e->changed, &e->lock);
        if (e->closed) break;
        seen = e->taken = e->request;
        if (e->n_waits < kMaxText) e->waits_ms[e->n_waits++] = now_ms() - e->asked_ms;
        const size_t n_typed = e->n_typed;
        e->completion[0] = '\0';
        pthread_mutex_unlock(&e->lock);

        status = ask(e, n_typed);
        if (status == LINNET_OK) status = linnet_session_generate(e->session, kMaxTokens, collect, e, &e->error);

        pthread_mutex_lock(&e->lock);
        if (status == LINNET_OK) e->answered = seen;
        if (status == LINNET_ERROR_CANCELLED) { /* a key came; when that was after the end, it is this one's: again */
            if (e->request == seen) seen--;
            status = LINNET_OK;
        }
        pthread_cond_broadcast(&e->changed);
    }
    e->closed = 1;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void type(editor* e) {
    const struct timespec pause = {0, kKeyMs * 1000000L};
    const size_t size = strlen(e->text);
    for (size_t n = size < 8 ? size : 8; n <= size; ++n) {
        pthread_mutex_lock(&e->lock);
        e->n_typed = n;
        if (e->taken == e->request) e->asked_ms = now_ms();
        e->request++;
        /* While it is idle there is nothing to cancel: it would cancel the next request. */
        if (e->answered + 1 != e->request) linnet_session_cancel(e->session);
        pthread_cond_broadcast(&e->changed);
        pthread_mutex_unlock(&e->lock);
        nanosleep(&pause, NULL);
    }
    pthread_mutex_lock(&e->lock);
    while (!e->closed && e->answered != e->request) pthread_cond_wait(&e->changed, &e->lock);
    e->closed = 1;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

int main(int argc, char** argv) {
    static editor e;
    const char* path = argc > 1 ? argv[1] : "models/tiny-tales-6m-Q8_0.gguf";
    e.text = argc > 2 ? argv[2] : "Once upon a time, there was a little fox who lived in a forest. One day, he found";
    e.behind = argc > 3 ? argv[3] : "";
    e.error.struct_size = sizeof e.error;
    if (strlen(e.text) > kMaxText) {
        fprintf(stderr, "TEXT has more than %d bytes\n", kMaxText);
        return 2;
    }
    pthread_mutex_init(&e.lock, NULL);
    pthread_cond_init(&e.changed, NULL);
    linnet_engine* engine = NULL;
    linnet_model* model = NULL;

    linnet_status status = linnet_engine_create(NULL, &engine, &e.error);
    if (status == LINNET_OK) status = linnet_model_load(engine, path, NULL, &model, &e.error);
    if (status == LINNET_OK) status = linnet_session_create(model, NULL, &e.session, &e.error);
    if (status == LINNET_OK) {
        pthread_t completer;
        if (pthread_create(&completer, NULL, complete, &e) != 0) return 2;
        type(&e);
        pthread_join(completer, NULL);
        status = e.answered == e.request ? LINNET_OK : e.error.status;
    }
    if (status == LINNET_OK) {
        qsort(e.waits_ms, e.n_waits, sizeof *e.waits_ms, by_size);
        printf("%s[%s]%s\n%zu requests; from a key to its request: median %.2f ms, 99 %% %.2f ms, longest %.2f ms\n",
               e.text, e.completion, e.behind, e.n_waits, e.waits_ms[e.n_waits / 2], e.waits_ms[e.n_waits * 99 / 100],
               e.waits_ms[e.n_waits - 1]);
    } else {
        fprintf(stderr, "%s\n", e.error.text);
    }
    const int late = status == LINNET_OK && e.waits_ms[e.n_waits / 2] > 10.0;
    linnet_session_destroy(e.session);
    linnet_model_destroy(model);
    linnet_engine_destroy(engine);
    return late ? 1 : status;
}
