// SPDX-License-Identifier: MIT
// linnet_session. Every call but cancel enters the session, so that a second thread gets a status, not a data race.
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"
#include "bindings/c/tokens.hpp"

namespace linnet::c_api {

namespace {

static_assert(static_cast<int>(EventKind::progress) == LINNET_EVENT_PROGRESS);
static_assert(static_cast<int>(EventKind::token) == LINNET_EVENT_TOKEN);
static_assert(static_cast<int>(EventKind::done) == LINNET_EVENT_DONE);
static_assert(static_cast<int>(EventKind::budget) == LINNET_EVENT_BUDGET);
static_assert(static_cast<int>(DoneReason::end_token) == LINNET_DONE_END_TOKEN);
static_assert(static_cast<int>(DoneReason::context_full) == LINNET_DONE_CONTEXT_FULL);
static_assert(static_cast<int>(DoneReason::max_tokens) == LINNET_DONE_MAX_TOKENS);
static_assert(static_cast<int>(DoneReason::grammar) == LINNET_DONE_GRAMMAR);
static_assert(static_cast<int>(DoneReason::stop) == LINNET_DONE_STOP);
static_assert(static_cast<int>(KvType::f16) == LINNET_KV_F16 && static_cast<int>(KvType::f32) == LINNET_KV_F32 &&
              static_cast<int>(KvType::q8) == LINNET_KV_Q8_0);

// Runs `body` with the session taken by this call.
template <class Session, class Body>
linnet_status with_session(Session* session, linnet_error* error, Body&& body) noexcept {
    return guard(error, [&] {
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        body(session->session);
    });
}

// A session's text is terminated behind its end (see Event).
linnet_event c_event(const Event& event) noexcept {
    linnet_event result{};
    result.struct_size = sizeof result;
    result.kind = static_cast<std::int32_t>(event.kind);
    result.token = event.token;
    result.reason = static_cast<std::int32_t>(event.reason);
    result.text = event.text.empty() ? "" : event.text.data();
    result.text_size = event.text.size();
    result.n_past = event.n_past;
    result.n_pending = event.n_pending;
    return result;
}

// One step with the session's sampler taken as well.
Event step(linnet_session& session, std::uint64_t budget_us) {
    if (session.sampler == nullptr) return session.session.step(budget_us);
    const Entered entered(session.sampler->entered, "session's sampler");
    return session.session.step(budget_us);
}

void generate(linnet_session& session, std::uint32_t max_tokens, linnet_event_callback callback, void* user) {
    std::uint32_t n_tokens = 0;
    for (;;) {
        const bool spent = max_tokens != 0 && n_tokens == max_tokens;
        const Event event = spent ? session.session.finish(DoneReason::max_tokens) : step(session, 0);
        if (event.kind == EventKind::token) ++n_tokens;
        const linnet_event given = c_event(event);
        if (callback != nullptr && callback(user, &given) != 0) {
            throw Error(Status::stopped, "the callback stopped the generation");
        }
        if (event.kind == EventKind::done) return;
    }
}

}  // namespace

PassShape pass_shape(const linnet_session_options* given) {
    const auto options = read_options(given);
    require(options.kv_type >= LINNET_KV_F16 && options.kv_type <= LINNET_KV_Q8_0,
            "linnet_session_options: kv_type is {}, no LINNET_KV_*", options.kv_type);
    PassShape shape;
    shape.n_ctx = options.n_ctx;
    shape.n_batch = options.n_batch;
    shape.kv_type = static_cast<KvType>(options.kv_type);
    return shape;
}

std::uint64_t session_overhead() { return sizeof(linnet_session); }

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

void linnet_session_options_init(linnet_session_options* options, uint32_t struct_size) {
    init_struct(options, struct_size);
}

linnet_status linnet_session_create(linnet_model* model, const linnet_session_options* options,
                                    linnet_session** session, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(session, "session");
        *session = nullptr;
        require_pointer(model, "model");
        const FloatEnvironment environment;  // tables of rotations are computed here
        *session = make_handle<linnet_session>(model->engine, model->loaded, pass_shape(options));
    });
}

void linnet_session_destroy(linnet_session* session) { destroy_handle(session); }

linnet_status linnet_session_append_text(linnet_session* session, const char* text, size_t size, uint32_t flags,
                                         linnet_error* error) {
    return with_session(session, error, [&](Session& inside) {
        require_array(text, size, 1, "text");
        inside.append_text({text, size}, tokenize_options(flags));
    });
}

linnet_status linnet_session_append_tokens(linnet_session* session, const linnet_token* tokens, size_t n_tokens,
                                           linnet_error* error) {
    return with_session(session, error, [&](Session& inside) {
        require_array(tokens, n_tokens, sizeof *tokens, "tokens");
        inside.append({tokens, n_tokens});
    });
}

linnet_status linnet_session_set_sampler(linnet_session* session, linnet_sampler* sampler, linnet_error* error) {
    return with_session(session, error, [&](Session& inside) {
        std::shared_ptr<SharedSampler> next = sampler == nullptr ? nullptr : sampler->shared;
        if (next == session->sampler) return;
        if (next != nullptr) {
            require(next->model == session->loaded, "the sampler was made for another model");
            const void* owner = nullptr;
            if (!next->owner.compare_exchange_strong(owner, session, std::memory_order_acq_rel)) {
                throw Error(Status::busy, "the sampler is in use by another session");
            }
        }
        inside.set_sampler(next == nullptr ? nullptr : std::shared_ptr<Sampler>(next, &next->sampler));
        std::swap(session->sampler, next);
        if (next != nullptr) next->owner.store(nullptr, std::memory_order_release);
    });
}

linnet_status linnet_session_step(linnet_session* session, uint64_t budget_us, linnet_event* event,
                                  linnet_error* error) {
    return with_session(session, error, [&](Session&) {
        require_output(event, "event");
        write_struct(event, c_event(step(*session, budget_us)));
    });
}

linnet_status linnet_session_generate(linnet_session* session, uint32_t max_tokens, linnet_event_callback callback,
                                      void* user, linnet_error* error) {
    return with_session(session, error, [&](Session&) { generate(*session, max_tokens, callback, user); });
}

void linnet_session_cancel(linnet_session* session) {
    if (session != nullptr) session->session.cancel();
}

linnet_status linnet_session_prefill(linnet_session* session, uint64_t budget_us, linnet_event* event,
                                     linnet_error* error) {
    return with_session(session, error, [&](Session& inside) {
        require_output(event, "event");
        write_struct(event, c_event(inside.prefill(budget_us)));
    });
}

linnet_status linnet_session_get_logits(linnet_session* session, const float** logits, size_t* n_logits,
                                        linnet_error* error) {
    return guard(error, [&] {
        require_pointer(logits, "logits");
        *logits = nullptr;
        require_pointer(n_logits, "n_logits");
        *n_logits = 0;
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        const std::span<const float> result = session->session.logits();
        *logits = result.data();
        *n_logits = result.size();
    });
}

linnet_status linnet_session_get_tokens(const linnet_session* session, const linnet_token** tokens, size_t* n_tokens,
                                        linnet_error* error) {
    return guard(error, [&] {
        require_pointer(tokens, "tokens");
        *tokens = nullptr;
        require_pointer(n_tokens, "n_tokens");
        *n_tokens = 0;
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        const std::span<const Token> result = session->session.tokens();
        *tokens = result.data();
        *n_tokens = result.size();
    });
}

linnet_status linnet_session_truncate(linnet_session* session, size_t n_tokens, linnet_error* error) {
    return with_session(session, error, [&](Session& inside) { inside.truncate(n_tokens); });
}
