/* SPDX-License-Identifier: MIT
 * Structure from text: what is generated satisfies a JSON schema, whatever the model would rather say.
 *   extract [MODEL [TEXT...]]
 */
#include <stdio.h>
#include <string.h>

#include "linnet.h"

static const char* const kSchema =
    "{\"type\": \"object\", \"properties\": {"
    "\"name\": {\"type\": \"string\", \"maxLength\": 30}, \"age\": {\"type\": \"integer\", \"minimum\": 0},"
    "\"job\": {\"type\": \"string\", \"maxLength\": 30}, \"city\": {\"type\": \"string\", \"maxLength\": 30}},"
    "\"required\": [\"name\", \"age\", \"job\", \"city\"], \"additionalProperties\": false}";

static const char* const kTexts[] = {
    "My name is Toby, I am 15, and I work as a fisherman in Reykjavik.",
    "Van, a painter from Hamburg, is 69 years old.",
    "Eva, a farmer from London, is 56 years old.",
};

static int32_t print(void* user, const linnet_event* event) {
    (void)user;
    fwrite(event->text, 1, event->text_size, stdout);
    return 0;
}

static linnet_status append(linnet_session* session, const char* text, uint32_t flags, linnet_error* error) {
    return linnet_session_append_text(session, text, strlen(text), flags, error);
}

static linnet_status extract(linnet_session* session, const char* text, linnet_error* error) {
    printf("%s\n  ", text);
    linnet_status status = linnet_session_truncate(session, 0, error);
    if (status == LINNET_OK) {
        status = append(session, "<|im_start|>user\nExtract name, age, job and city as JSON: ", 0, error);
    }
    /* Plain: a text that spells out "<|im_end|>" shall not end the user's turn. */
    if (status == LINNET_OK) status = append(session, text, LINNET_TOKENIZE_PLAIN, error);
    if (status == LINNET_OK) status = append(session, "<|im_end|>\n<|im_start|>assistant\n", 0, error);
    if (status == LINNET_OK) status = linnet_session_generate(session, 200, print, NULL, error);
    printf("\n");
    return status;
}

int main(int argc, char** argv) {
    const char* path = argc > 1 ? argv[1] : "models/tiny-tales-6m-Q8_0.gguf";
    const int n_texts = argc > 2 ? argc - 2 : (int)(sizeof kTexts / sizeof *kTexts);
    linnet_error error = LINNET_ERROR_INIT;
    linnet_engine* engine = NULL;
    linnet_model* model = NULL;
    linnet_session* session = NULL;
    linnet_grammar* grammar = NULL;

    linnet_status status = linnet_engine_create(NULL, &engine, &error);
    if (status == LINNET_OK) status = linnet_model_load(engine, path, NULL, &model, &error);
    if (status == LINNET_OK) status = linnet_session_create(model, NULL, &session, &error);
    if (status == LINNET_OK) {
        status = linnet_grammar_create(model, LINNET_GRAMMAR_JSON_SCHEMA, kSchema, strlen(kSchema), &grammar, &error);
    }
    if (status == LINNET_OK) status = linnet_session_set_grammar(session, grammar, &error);
    for (int i = 0; i < n_texts && status == LINNET_OK; ++i) {
        status = extract(session, argc > 2 ? argv[i + 2] : kTexts[i], &error);
    }
    if (status != LINNET_OK) fprintf(stderr, "%s\n", error.text);
    linnet_grammar_destroy(grammar);
    linnet_session_destroy(session);
    linnet_model_destroy(model);
    linnet_engine_destroy(engine);
    return status;
}
