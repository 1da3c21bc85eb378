/* SPDX-License-Identifier: MIT
 * A C host of the installed library: the versions fit, an engine comes and goes, a failure is told. */
#include <linnet.h>
#include <stdio.h>

int main(void) {
    linnet_engine* engine = NULL;
    linnet_model* model = NULL;
    linnet_error error = LINNET_ERROR_INIT;
    if (linnet_abi_version() >> 16 != LINNET_ABI_MAJOR) return 1;
    if (linnet_engine_create(NULL, &engine, &error) != LINNET_OK) return 2;
    if (linnet_model_load(engine, "no such file", NULL, &model, &error) != LINNET_ERROR_NOT_FOUND) return 3;
    linnet_engine_destroy(engine);
    printf("linnet %s: %s\n", linnet_version(), error.text);
    return 0;
}
