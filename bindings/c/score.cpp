// SPDX-License-Identifier: MIT
// Stops, log-probabilities, scores and fill-in-the-middle of sessions.
#include "base/workers.hpp"
#include "bindings/c/handles.hpp"
#include "bindings/c/texts.hpp"
#include "bindings/c/tokens.hpp"
#include "sampling/logprobs.hpp"

using namespace linnet;
using namespace linnet::c_api;

linnet_status linnet_session_set_stops(linnet_session* session, const linnet_text* texts, size_t n_texts,
                                       const linnet_token* tokens, size_t n_tokens, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        require_array(tokens, n_tokens, sizeof *tokens, "tokens");
        const std::uint32_t n_vocab = session->loaded->model.spec().n_vocab;
        require(n_tokens <= n_vocab, "n_tokens is {}, more than the model's {} tokens", n_tokens, n_vocab);
        for (std::size_t i = 0; i < n_tokens; ++i) {
            require(tokens[i] >= 0 && static_cast<std::uint32_t>(tokens[i]) < n_vocab,
                    "tokens[{}] is {}, not below n_vocab = {}", i, tokens[i], n_vocab);
        }
        session->session.set_stops(views(texts, n_texts, "texts"), {tokens, n_tokens});
    });
}

linnet_status linnet_session_get_logprobs(linnet_session* session, linnet_logprob* chosen, linnet_logprob* top,
                                          size_t n_top, linnet_error* error) {
    return guard(error, [&] {
        if (chosen != nullptr) *chosen = {kNoToken, 0.0F};
        require_array(top, n_top, sizeof *top, "top");
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        const std::uint32_t n_vocab = session->loaded->model.spec().n_vocab;
        require(n_top <= n_vocab, "n_top is {}, more than the model's {} tokens", n_top, n_vocab);
        const FloatEnvironment environment;
        const std::span<const float> logits = session->session.logits();
        const double log_total = log_sum(logits);
        const Token next = session->session.next_token();
        if (chosen != nullptr && next != kNoToken) {
            const double logit = static_cast<double>(logits[static_cast<std::size_t>(next)]);
            *chosen = {next, static_cast<float>(logit - log_total)};
        }
        find_top(logits, log_total, std::span(top, n_top));
    });
}

linnet_status linnet_score(linnet_session* session, const linnet_text* continuations, size_t n_continuations,
                           uint32_t flags, linnet_continuation_score* scores, linnet_error* error) {
    return guard(error, [&] {
        require_array(scores, n_continuations, sizeof *scores, "scores");
        for (std::size_t i = 0; i < n_continuations; ++i) scores[i] = {};
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        const auto texts = views(continuations, n_continuations, "continuations");
        TokenizeOptions options = tokenize_options(flags);
        Session& inside = session->session;
        std::pmr::vector<Token> ids(&session->engine->memory);
        std::vector<std::size_t> ends;
        for (const std::string_view text : texts) {
            inside.tokenize(text, options, ids);
            ends.push_back(ids.size());
        }
        std::vector<std::span<const Token>> parts;
        for (std::size_t i = 0, begin = 0; i < ends.size(); begin = ends[i++]) {
            parts.emplace_back(ids.data() + begin, ends[i] - begin);
        }
        std::vector<double> logprobs(parts.size());
        inside.score(parts, logprobs);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            scores[i] = {logprobs[i], static_cast<std::uint32_t>(parts[i].size()), 0};
        }
    });
}

linnet_status linnet_session_append_fim(linnet_session* session, const char* prefix, size_t prefix_size,
                                        const char* suffix, size_t suffix_size, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(session, "session");
        const Entered entered(session->entered, "session");
        require_array(prefix, prefix_size, 1, "prefix");
        require_array(suffix, suffix_size, 1, "suffix");
        session->session.append_fill_in({prefix, prefix_size}, {suffix, suffix_size});
    });
}
