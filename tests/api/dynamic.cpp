// SPDX-License-Identifier: MIT
// liblinnet.so comes and goes: nothing of it stays in the process, no thread, no memory, no exit handler.
#include <dlfcn.h>

#include "api/api.hpp"

#ifdef LINNET_SHARED_LIBRARY

namespace {

template <class Function>
Function* symbol(void* library, const char* name) {
    void* address = dlsym(library, name);
    REQUIRE_MESSAGE(address != nullptr, name);
    return reinterpret_cast<Function*>(address);
}

std::size_t n_threads_now() {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) n += entry.exists() ? 1 : 0;
    return n;
}

}  // namespace

TEST_CASE("dynamic: dlopen and dlclose in a loop, with a generation in between") {
    const auto path = api::tiny_model();
    if (!path) return;
    const std::size_t n_threads = n_threads_now();
    for (int round = 0; round < 30; ++round) {
        void* library = dlopen(LINNET_SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
        REQUIRE_MESSAGE(library != nullptr, dlerror());
        linnet_engine* engine = nullptr;
        linnet_model* model = nullptr;
        linnet_session* session = nullptr;
        linnet_error error = LINNET_ERROR_INIT;
        REQUIRE(symbol<decltype(linnet_engine_create)>(library, "linnet_engine_create")(nullptr, &engine, &error) ==
                LINNET_OK);
        REQUIRE(symbol<decltype(linnet_model_load)>(library, "linnet_model_load")(engine, path->c_str(), nullptr,
                                                                                  &model, &error) == LINNET_OK);
        REQUIRE(symbol<decltype(linnet_session_create)>(library, "linnet_session_create")(model, nullptr, &session,
                                                                                          &error) == LINNET_OK);
        const auto tokens = api::some_tokens(3);
        REQUIRE(symbol<decltype(linnet_session_append_tokens)>(library, "linnet_session_append_tokens")(
                    session, tokens.data(), tokens.size(), &error) == LINNET_OK);
        REQUIRE(symbol<decltype(linnet_session_generate)>(library, "linnet_session_generate")(
                    session, 2, nullptr, nullptr, &error) == LINNET_OK);
        // An error thrown and caught inside must not tie the library to the process.
        linnet_model* none = nullptr;
        REQUIRE(symbol<decltype(linnet_model_load)>(library, "linnet_model_load")(engine, "/no/such", nullptr, &none,
                                                                                  &error) == LINNET_ERROR_NOT_FOUND);
        symbol<decltype(linnet_engine_destroy)>(library, "linnet_engine_destroy")(engine);
        symbol<decltype(linnet_model_destroy)>(library, "linnet_model_destroy")(model);
        symbol<decltype(linnet_session_destroy)>(library, "linnet_session_destroy")(session);
        REQUIRE(dlclose(library) == 0);
        CHECK(dlopen(LINNET_SHARED_LIBRARY, RTLD_NOW | RTLD_NOLOAD) == nullptr);
        CHECK(n_threads_now() == n_threads);
    }
}

#else

TEST_CASE("dynamic: dlopen and dlclose in a loop") { MESSAGE("skipped: LINNET_SHARED_LIBRARY is not defined"); }

#endif
