/* SPDX-License-Identifier: MIT
 * The shortest whole program: a model, a prompt, the text that follows.   minimal [MODEL [PROMPT]]
 */
#include <stdio.h>
#include <string.h>

#include <linnet.h>

static int32_t print(void* user, const linnet_event* event) {
    (void)user;
    fwrite(event->text, 1, event->text_size, stdout);
    return fflush(stdout);
}

int main(int argc, char** argv) {
    const char* path = argc > 1 ? argv[1] : "models/tiny-tales-6m-Q8_0.gguf";
    const char* prompt = argc > 2 ? argv[2] : "Once upon a time";
    linnet_error error = LINNET_ERROR_INIT;
    linnet_engine* engine = NULL;
    linnet_model* model = NULL;
    linnet_session* session = NULL;

    printf("%s", prompt);
    if (linnet_engine_create(NULL, &engine, &error) == LINNET_OK &&
        linnet_model_load(engine, path, NULL, &model, &error) == LINNET_OK &&
        linnet_session_create(model, NULL, &session, &error) == LINNET_OK &&
        linnet_session_append_text(session, prompt, strlen(prompt), 0, &error) == LINNET_OK &&
        linnet_session_generate(session, 128, print, NULL, &error) == LINNET_OK) {
        printf("\n");
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    linnet_session_destroy(session);
    linnet_model_destroy(model);
    linnet_engine_destroy(engine);
    return error.status;
}
