// SPDX-License-Identifier: MIT
// The exports of tokens, samplers and sessions.
#include "api/sweep.hpp"

using namespace sweep;

void sweep::add_tokens(Table& table) {
    table["linnet_tokenize"] = [](Sweep& s) {
        linnet_token tokens[64];
        std::size_t n = 1;
        const char text[] = "some text";
        const auto tokenize = [&](const char* t, std::size_t size, std::uint32_t flags, linnet_token* out,
                                  std::size_t capacity, std::size_t* count, linnet_error* e) {
            return linnet_tokenize(s.model, t, size, flags, out, capacity, count, e);
        };
        s.refuses("model", [&](linnet_error* e) { return linnet_tokenize(nullptr, text, 9, 0, tokens, 64, &n, e); });
        s.refuses("n_tokens", [&](linnet_error* e) { return tokenize(text, 9, 0, tokens, 64, nullptr, e); });
        s.refuses("text", [&](linnet_error* e) { return tokenize(nullptr, 9, 0, tokens, 64, &n, e); });
        s.refuses("text", [&](linnet_error* e) { return tokenize(text, SIZE_MAX, 0, tokens, 64, &n, e); });
        s.refuses("tokens", [&](linnet_error* e) { return tokenize(text, 9, 0, nullptr, 64, &n, e); });
        s.refuses("tokens", [&](linnet_error* e) { return tokenize(text, 9, 0, tokens, SIZE_MAX, &n, e); });
        for (const std::uint32_t flags : {4U, 8U, 1U << 31, UINT32_MAX}) {
            s.refuses("flags", [&](linnet_error* e) { return tokenize(text, 9, flags, tokens, 64, &n, e); });
        }
        CHECK(tokenize(nullptr, 0, LINNET_TOKENIZE_NO_SPECIAL, nullptr, 0, &n, nullptr) == LINNET_OK);
        CHECK(n == 0);
        REQUIRE(tokenize(text, 9, 0, tokens, 64, &n, nullptr) == LINNET_OK);
        const std::size_t needed = n;
        REQUIRE(needed > 0);
        CHECK(tokenize(text, 9, 0, tokens, needed, &n, nullptr) == LINNET_OK);
        CHECK(tokenize(text, 9, 0, tokens, needed - 1, &n, nullptr) == LINNET_ERROR_BUFFER_TOO_SMALL);
        CHECK(n == needed);
        CHECK(tokenize(text, 9, 0, nullptr, 0, &n, nullptr) == LINNET_ERROR_BUFFER_TOO_SMALL);
        CHECK(n == needed);
    };
    table["linnet_detokenize"] = [](Sweep& s) {
        char buffer[64];
        std::size_t size = 1;
        const linnet_token good[] = {40, 41};
        const auto detokenize = [&](const linnet_token* tokens, std::size_t n, std::uint32_t flags, linnet_error* e) {
            return linnet_detokenize(s.model, tokens, n, flags, buffer, sizeof buffer, &size, e);
        };
        s.refuses("model", [&](linnet_error* e) {
            return linnet_detokenize(nullptr, good, 2, 0, buffer, sizeof buffer, &size, e);
        });
        s.refuses("tokens", [&](linnet_error* e) { return detokenize(nullptr, 2, 0, e); });
        s.refuses("tokens", [&](linnet_error* e) { return detokenize(good, SIZE_MAX, 0, e); });
        s.refuses("flags", [&](linnet_error* e) { return detokenize(good, 2, 2, e); });
        CHECK(detokenize(nullptr, 0, 0, nullptr) == LINNET_OK);
        for (const linnet_token token : {INT_MIN, -1, static_cast<int>(s.n_vocab), INT_MAX}) {
            const linnet_token bad[] = {40, token};
            s.refuses(std::to_string(token).c_str(), [&](linnet_error* e) { return detokenize(bad, 2, 0, e); });
        }
        check_text(s, false, [&](char* out, std::size_t capacity, std::size_t* n, linnet_error* e) {
            return linnet_detokenize(s.model, good, 2, 0, out, capacity, n, e);
        });
    };
    table["linnet_token_get_bytes"] = [](Sweep& s) {
        char buffer[64];
        std::size_t size = 1;
        s.refuses("model", [&](linnet_error* e) { return linnet_token_get_bytes(nullptr, 5, buffer, 64, &size, e); });
        for (const linnet_token token : {INT_MIN, -1, static_cast<int>(s.n_vocab), INT_MAX}) {
            s.refuses("token",
                      [&](linnet_error* e) { return linnet_token_get_bytes(s.model, token, buffer, 64, &size, e); });
        }
        check_text(s, false, [&](char* out, std::size_t capacity, std::size_t* n, linnet_error* e) {
            return linnet_token_get_bytes(s.model, 40, out, capacity, n, e);
        });
    };
    table["linnet_token_get_attributes"] = [](Sweep& s) {
        std::uint32_t attributes = 1;
        s.refuses("model", [&](linnet_error* e) { return linnet_token_get_attributes(nullptr, 5, &attributes, e); });
        s.refuses("attributes", [&](linnet_error* e) { return linnet_token_get_attributes(s.model, 5, nullptr, e); });
        for (const linnet_token token : {INT_MIN, -1, static_cast<int>(s.n_vocab), INT_MAX}) {
            s.refuses("token",
                      [&](linnet_error* e) { return linnet_token_get_attributes(s.model, token, &attributes, e); });
        }
    };
    table["linnet_model_get_special_token"] = [](Sweep& s) {
        linnet_token token = 1;
        s.refuses("model", [&](linnet_error* e) { return linnet_model_get_special_token(nullptr, 0, &token, e); });
        s.refuses("token", [&](linnet_error* e) { return linnet_model_get_special_token(s.model, 0, nullptr, e); });
        for (const std::int32_t which : kInts) {
            s.refuses("which",
                      [&](linnet_error* e) { return linnet_model_get_special_token(s.model, which, &token, e); });
        }
        s.refuses("which", [&](linnet_error* e) { return linnet_model_get_special_token(s.model, 3, &token, e); });
    };
}

void sweep::add_sampler(Table& table) {
    table["linnet_sampler_options_init"] = [](Sweep&) { check_init(linnet_sampler_options_init); };
    table["linnet_sampler_create"] = [](Sweep& s) {
        linnet_sampler* made = nullptr;
        s.refuses("sampler", [&](linnet_error* e) { return linnet_sampler_create(s.model, nullptr, nullptr, e); });
        s.refuses("model", [&](linnet_error* e) { return linnet_sampler_create(nullptr, nullptr, &made, e); });
        s.option_sizes<linnet_sampler_options>("linnet_sampler_options", 8, sized<linnet_sampler_options>(),
                                               [&](const linnet_sampler_options* options, linnet_error* e) {
                                                   linnet_sampler* sampler = nullptr;
                                                   const auto status =
                                                       linnet_sampler_create(s.model, options, &sampler, e);
                                                   linnet_sampler_destroy(sampler);
                                                   return status;
                                               });
        const auto create = [&](const linnet_sampler_options& options) {
            return [&s, &made, options](linnet_error* e) { return linnet_sampler_create(s.model, &options, &made, e); };
        };
        const float nan = std::numeric_limits<float>::quiet_NaN();
        const float inf = std::numeric_limits<float>::infinity();
        struct Field {
            const char* name;
            float linnet_sampler_options::*field;
        };
        constexpr Field kFields[] = {{"temperature", &linnet_sampler_options::temperature},
                                     {"top_p", &linnet_sampler_options::top_p},
                                     {"min_p", &linnet_sampler_options::min_p},
                                     {"repetition_penalty", &linnet_sampler_options::repetition_penalty},
                                     {"frequency_penalty", &linnet_sampler_options::frequency_penalty},
                                     {"presence_penalty", &linnet_sampler_options::presence_penalty},
                                     {"typical_p", &linnet_sampler_options::typical_p},
                                     {"top_n_sigma", &linnet_sampler_options::top_n_sigma},
                                     {"xtc_probability", &linnet_sampler_options::xtc_probability},
                                     {"xtc_threshold", &linnet_sampler_options::xtc_threshold},
                                     {"temperature_range", &linnet_sampler_options::temperature_range},
                                     {"temperature_exponent", &linnet_sampler_options::temperature_exponent},
                                     {"mirostat_tau", &linnet_sampler_options::mirostat_tau},
                                     {"mirostat_eta", &linnet_sampler_options::mirostat_eta},
                                     {"dry_multiplier", &linnet_sampler_options::dry_multiplier},
                                     {"dry_base", &linnet_sampler_options::dry_base}};
        for (const Field& field : kFields) {
            for (const float value : {nan, inf, -inf}) {
                if (value == inf && std::strstr(field.name, "p_p") != nullptr) continue;      // top_p >= 1: off
                if (value == inf && std::strstr(field.name, "typical") != nullptr) continue;  // likewise
                auto options = sized<linnet_sampler_options>();
                options.*field.field = value;
                s.refuses(field.name, create(options));
            }
        }
        for (const float value : {-1.0F, -0.001F}) {
            for (const Field& field : {kFields[0], kFields[1], kFields[2], kFields[3]}) {
                auto options = sized<linnet_sampler_options>();
                options.*field.field = value;
                s.refuses(field.name, create(options));
            }
        }
        auto options = sized<linnet_sampler_options>();
        options.reserved = 1;
        s.refuses("reserved", create(options));
        options = sized<linnet_sampler_options>();
        options.n_biases = 1;
        s.refuses("biases", create(options));
        linnet_logit_bias bias{};
        options.biases = &bias;
        options.n_biases = std::size_t{s.n_vocab} + 1;
        s.refuses("n_biases", create(options));
        options.n_biases = SIZE_MAX;
        s.refuses("biases", create(options));
        options.n_biases = 1;
        for (const linnet_token token : {INT_MIN, -1, static_cast<int>(s.n_vocab), INT_MAX}) {
            bias.token = token;
            s.refuses("bias", create(options));
        }
        bias = {5, nan};
        s.refuses("bias", create(options));
        options = sized<linnet_sampler_options>();
        const linnet_text text = {nullptr, 2};
        options.n_banned = 1;
        s.refuses("banned", create(options));
        options.banned = &text;
        s.refuses("banned", create(options));
        options = sized<linnet_sampler_options>();
        options.n_dry_breakers = 1;
        s.refuses("dry_breakers", create(options));
        options.dry_breakers = &text;
        s.refuses("dry_breakers", create(options));
        options = sized<linnet_sampler_options>();
        options.dry_window = UINT32_MAX;
        s.refuses("dry_window", create(options));
        options = sized<linnet_sampler_options>();
        options.n_stages = 1;
        s.refuses("stages", create(options));
        std::int32_t stages[] = {0, 0};
        options.stages = stages;
        for (const std::int32_t stage : {INT_MIN, -1, 0, 10, 33, INT_MAX}) {
            stages[0] = stage;
            s.refuses("stages[0]", create(options));
        }
        stages[0] = stages[1] = LINNET_STAGE_XTC;
        options.n_stages = 2;
        s.refuses("stages[1]", create(options));
        options.n_stages = 10;
        s.refuses("n_stages", create(options));
        CHECK(made == nullptr);
    };
    table["linnet_sampler_destroy"] = [](Sweep&) { linnet_sampler_destroy(nullptr); };
    table["linnet_sampler_reset"] = [](Sweep& s) {
        s.refuses("sampler", [](linnet_error* e) { return linnet_sampler_reset(nullptr, e); });
        CHECK(linnet_sampler_reset(s.sampler, nullptr) == LINNET_OK);
    };
    table["linnet_sampler_sample"] = [](Sweep& s) {
        std::vector<float> logits(s.n_vocab, 0.0F);
        linnet_token token = 1;
        const auto sample = [&](const float* data, std::size_t n, linnet_token* out, linnet_error* e) {
            return linnet_sampler_sample(s.sampler, data, n, out, e);
        };
        s.refuses("sampler", [&](linnet_error* e) {
            return linnet_sampler_sample(nullptr, logits.data(), logits.size(), &token, e);
        });
        s.refuses("token", [&](linnet_error* e) { return sample(logits.data(), logits.size(), nullptr, e); });
        s.refuses("logits", [&](linnet_error* e) { return sample(nullptr, logits.size(), &token, e); });
        for (const std::size_t n : {std::size_t{0}, std::size_t{s.n_vocab} - 1, std::size_t{s.n_vocab} + 1, SIZE_MAX}) {
            s.refuses("n_logits", [&](linnet_error* e) { return sample(logits.data(), n, &token, e); });
        }
        logits[7] = 1.0F;
        CHECK(sample(logits.data(), logits.size(), &token, nullptr) == LINNET_OK);
        CHECK(token == 7);
        for (float& value : logits) value = std::numeric_limits<float>::quiet_NaN();
        CHECK(sample(logits.data(), logits.size(), &token, nullptr) == LINNET_OK);
        CHECK(token == 0);
    };
}

void sweep::add_session(Table& table) {
    table["linnet_session_options_init"] = [](Sweep&) { check_init(linnet_session_options_init); };
    table["linnet_session_create"] = [](Sweep& s) {
        linnet_session* made = nullptr;
        s.refuses("session", [&](linnet_error* e) { return linnet_session_create(s.model, nullptr, nullptr, e); });
        s.refuses("model", [&](linnet_error* e) { return linnet_session_create(nullptr, nullptr, &made, e); });
        s.option_sizes<linnet_session_options>("linnet_session_options", 8, sized<linnet_session_options>(),
                                               [&](const linnet_session_options* options, linnet_error* e) {
                                                   linnet_session* session = nullptr;
                                                   const auto status =
                                                       linnet_session_create(s.model, options, &session, e);
                                                   linnet_session_destroy(session);
                                                   return status;
                                               });
        for (const std::int32_t kv_type : {INT_MIN, -1, 3, INT_MAX}) {
            auto options = sized<linnet_session_options>();
            options.kv_type = kv_type;
            s.refuses("kv_type", [&](linnet_error* e) { return linnet_session_create(s.model, &options, &made, e); });
        }
        for (const std::uint32_t n_ctx : {std::uint32_t{INT_MAX} + 1, UINT32_MAX}) {
            auto options = sized<linnet_session_options>();
            options.n_ctx = n_ctx;
            s.refuses("n_ctx", [&](linnet_error* e) { return linnet_session_create(s.model, &options, &made, e); });
        }
        auto options = sized<linnet_session_options>();
        options.n_batch = UINT32_MAX;
        s.refuses("n_batch", [&](linnet_error* e) { return linnet_session_create(s.model, &options, &made, e); });
        CHECK(made == nullptr);
    };
    table["linnet_session_destroy"] = [](Sweep&) { linnet_session_destroy(nullptr); };
    table["linnet_session_append_text"] = [](Sweep& s) {
        const auto append = [&](const char* text, std::size_t size, std::uint32_t flags, linnet_error* e) {
            return linnet_session_append_text(s.session, text, size, flags, e);
        };
        s.refuses("session", [](linnet_error* e) { return linnet_session_append_text(nullptr, "a", 1, 0, e); });
        s.refuses("text", [&](linnet_error* e) { return append(nullptr, 1, 0, e); });
        s.refuses("text", [&](linnet_error* e) { return append("a", SIZE_MAX, 0, e); });
        s.refuses("flags", [&](linnet_error* e) { return append("a", 1, 4, e); });
        const std::string huge(1 << 20, 'x');
        s.refuses(
            "", [&](linnet_error* e) { return append(huge.data(), huge.size(), 0, e); }, LINNET_ERROR_CONTEXT_FULL);
    };
    table["linnet_session_append_tokens"] = [](Sweep& s) {
        const auto append = [&](const linnet_token* tokens, std::size_t n, linnet_error* e) {
            return linnet_session_append_tokens(s.session, tokens, n, e);
        };
        const linnet_token good = 5;
        s.refuses("session", [&](linnet_error* e) { return linnet_session_append_tokens(nullptr, &good, 1, e); });
        s.refuses("tokens", [&](linnet_error* e) { return append(nullptr, 1, e); });
        s.refuses("tokens", [&](linnet_error* e) { return append(&good, SIZE_MAX, e); });
        CHECK(append(nullptr, 0, nullptr) == LINNET_OK);
        for (const linnet_token token : {INT_MIN, -1, static_cast<int>(s.n_vocab), INT_MAX}) {
            s.refuses("token", [&](linnet_error* e) { return append(&token, 1, e); });
        }
        const std::vector<linnet_token> many(1 << 20, 5);
        s.refuses(
            "", [&](linnet_error* e) { return append(many.data(), many.size(), e); }, LINNET_ERROR_CONTEXT_FULL);
        const linnet_token* tokens = nullptr;
        std::size_t n = 1;
        REQUIRE(linnet_session_get_tokens(s.session, &tokens, &n, nullptr) == LINNET_OK);
        CHECK(n == 0);  // all or nothing
    };
    table["linnet_session_set_sampler"] = [](Sweep& s) {
        s.refuses("session", [&](linnet_error* e) { return linnet_session_set_sampler(nullptr, s.sampler, e); });
        linnet_model* other = nullptr;
        linnet_sampler* foreign = nullptr;
        REQUIRE(linnet_model_load(s.engine, s.path_.c_str(), nullptr, &other, nullptr) == LINNET_OK);
        REQUIRE(linnet_sampler_create(other, nullptr, &foreign, nullptr) == LINNET_OK);
        s.refuses("model", [&](linnet_error* e) { return linnet_session_set_sampler(s.session, foreign, e); });
        linnet_session* second = nullptr;
        REQUIRE(linnet_session_create(s.model, nullptr, &second, nullptr) == LINNET_OK);
        CHECK(linnet_session_set_sampler(s.session, s.sampler, nullptr) == LINNET_OK);
        CHECK(linnet_session_set_sampler(s.session, s.sampler, nullptr) == LINNET_OK);
        s.refuses(
            "session", [&](linnet_error* e) { return linnet_session_set_sampler(second, s.sampler, e); },
            LINNET_ERROR_BUSY);
        CHECK(linnet_session_set_sampler(s.session, nullptr, nullptr) == LINNET_OK);
        CHECK(linnet_session_set_sampler(second, s.sampler, nullptr) == LINNET_OK);
        linnet_session_destroy(second);
        CHECK(linnet_session_set_sampler(s.session, s.sampler, nullptr) == LINNET_OK);
        CHECK(linnet_session_set_sampler(s.session, nullptr, nullptr) == LINNET_OK);
        linnet_sampler_destroy(foreign);
        linnet_model_destroy(other);
    };
    for (const bool prefill : {false, true}) {
        table[prefill ? "linnet_session_prefill" : "linnet_session_step"] = [prefill](Sweep& s) {
            auto event = sized<linnet_event>();
            const auto step = prefill ? linnet_session_prefill : linnet_session_step;
            s.refuses("session", [&](linnet_error* e) { return step(nullptr, 0, &event, e); });
            s.refuses("event", [&](linnet_error* e) { return step(s.session, 0, nullptr, e); });
            s.refuses("empty", [&](linnet_error* e) { return step(s.session, 0, &event, e); });
            const auto tokens = api::some_tokens(2);
            REQUIRE(linnet_session_append_tokens(s.session, tokens.data(), 2, nullptr) == LINNET_OK);
            s.output_sizes<linnet_event>("linnet_event", sizeof(linnet_event), [&](linnet_event* out, linnet_error* e) {
                return step(s.session, UINT64_MAX, out, e);
            });
            REQUIRE(linnet_session_truncate(s.session, 0, nullptr) == LINNET_OK);
        };
    }
    table["linnet_session_generate"] = [](Sweep& s) {
        s.refuses("session", [](linnet_error* e) { return linnet_session_generate(nullptr, 1, nullptr, nullptr, e); });
        s.refuses("empty", [&](linnet_error* e) { return linnet_session_generate(s.session, 1, nullptr, nullptr, e); });
        const auto tokens = api::some_tokens(2);
        REQUIRE(linnet_session_append_tokens(s.session, tokens.data(), 2, nullptr) == LINNET_OK);
        s.refuses(
            "callback",
            [&](linnet_error* e) {
                return linnet_session_generate(
                    s.session, 1, [](void*, const linnet_event*) -> std::int32_t { return 1; }, nullptr, e);
            },
            LINNET_STOPPED);
        CHECK(linnet_session_generate(s.session, 3, nullptr, nullptr, nullptr) == LINNET_OK);
        REQUIRE(linnet_session_truncate(s.session, 0, nullptr) == LINNET_OK);
    };
    table["linnet_session_cancel"] = [](Sweep&) { linnet_session_cancel(nullptr); };
    table["linnet_session_get_logits"] = [](Sweep& s) {
        const float* logits = nullptr;
        std::size_t n = 1;
        s.refuses("session", [&](linnet_error* e) { return linnet_session_get_logits(nullptr, &logits, &n, e); });
        s.refuses("logits", [&](linnet_error* e) { return linnet_session_get_logits(s.session, nullptr, &n, e); });
        s.refuses("n_logits",
                  [&](linnet_error* e) { return linnet_session_get_logits(s.session, &logits, nullptr, e); });
        s.refuses(
            "", [&](linnet_error* e) { return linnet_session_get_logits(s.session, &logits, &n, e); },
            LINNET_ERROR_NOT_FOUND);
        CHECK(logits == nullptr);
        CHECK(n == 0);
    };
    table["linnet_session_get_tokens"] = [](Sweep& s) {
        const linnet_token* tokens = nullptr;
        std::size_t n = 1;
        s.refuses("session", [&](linnet_error* e) { return linnet_session_get_tokens(nullptr, &tokens, &n, e); });
        s.refuses("tokens", [&](linnet_error* e) { return linnet_session_get_tokens(s.session, nullptr, &n, e); });
        s.refuses("n_tokens",
                  [&](linnet_error* e) { return linnet_session_get_tokens(s.session, &tokens, nullptr, e); });
    };
    table["linnet_session_truncate"] = [](Sweep& s) {
        s.refuses("session", [](linnet_error* e) { return linnet_session_truncate(nullptr, 0, e); });
        const auto tokens = api::some_tokens(3);
        REQUIRE(linnet_session_append_tokens(s.session, tokens.data(), 3, nullptr) == LINNET_OK);
        for (const std::size_t n : {std::size_t{4}, std::size_t{INT_MAX}, SIZE_MAX}) {
            s.refuses("", [&](linnet_error* e) { return linnet_session_truncate(s.session, n, e); });
        }
        CHECK(linnet_session_truncate(s.session, 3, nullptr) == LINNET_OK);
        CHECK(linnet_session_truncate(s.session, 0, nullptr) == LINNET_OK);
    };
}
