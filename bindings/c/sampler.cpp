// SPDX-License-Identifier: MIT
// linnet_sampler.
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"
#include "bindings/c/texts.hpp"

using namespace linnet;
using namespace linnet::c_api;

void linnet_sampler_options_init(linnet_sampler_options* options, uint32_t struct_size) {
    init_struct(options, struct_size);
}

linnet_status linnet_sampler_create(linnet_model* model, const linnet_sampler_options* options,
                                    linnet_sampler** sampler, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(sampler, "sampler");
        *sampler = nullptr;
        require_pointer(model, "model");
        const auto given = read_options(options);
        const std::uint32_t n_vocab = model->loaded->model.spec().n_vocab;
        require(given.reserved == 0, "linnet_sampler_options: reserved is not zero");
        require_array(given.biases, given.n_biases, sizeof *given.biases, "linnet_sampler_options: biases");
        require(given.n_biases <= n_vocab, "linnet_sampler_options: n_biases is {}, more than the model's {} tokens",
                given.n_biases, n_vocab);
        std::vector<LogitBias> biases;
        biases.reserve(given.n_biases);
        for (std::size_t i = 0; i < given.n_biases; ++i) {
            biases.push_back({given.biases[i].token, given.biases[i].bias});
        }
        SamplerOptions checked;
        checked.top_k = given.top_k;
        checked.temperature = given.temperature;
        checked.top_p = given.top_p;
        checked.min_p = given.min_p;
        checked.repetition_penalty = given.repetition_penalty;
        checked.frequency_penalty = given.frequency_penalty;
        checked.presence_penalty = given.presence_penalty;
        checked.penalty_window = given.penalty_window;
        checked.seed = given.seed;
        checked.biases = biases;
        checked.typical_p = given.typical_p;
        checked.top_n_sigma = given.top_n_sigma;
        checked.xtc_probability = given.xtc_probability;
        checked.xtc_threshold = given.xtc_threshold;
        checked.temperature_range = given.temperature_range;
        checked.temperature_exponent = given.temperature_exponent;
        checked.mirostat_tau = given.mirostat_tau;
        checked.mirostat_eta = given.mirostat_eta;
        checked.dry_multiplier = given.dry_multiplier;
        checked.dry_base = given.dry_base;
        checked.dry_allowed_length = given.dry_allowed_length;
        checked.dry_window = given.dry_window;
        std::vector<std::string_view> breakers =
            views(given.dry_breakers, given.n_dry_breakers, "linnet_sampler_options: dry_breakers");
        if (breakers.empty()) breakers = {"\n", ":", "\"", "*"};
        checked.dry_breakers = breakers;
        const auto banned = views(given.banned, given.n_banned, "linnet_sampler_options: banned");
        checked.banned = banned;
        require_array(given.stages, given.n_stages, sizeof *given.stages, "linnet_sampler_options: stages");
        require(given.n_stages <= kMaxStage, "linnet_sampler_options: n_stages is {}, there are {}", given.n_stages,
                kMaxStage);
        std::vector<Stage> stages;
        for (std::size_t i = 0; i < given.n_stages; ++i) stages.push_back(static_cast<Stage>(given.stages[i]));
        checked.stages = stages;
        if (given.dry_multiplier != 0.0F || !banned.empty()) checked.trie = model->loaded->trie();
        auto shared = make_shared_in<SharedSampler>(model->engine, model->loaded, checked, model->engine->memory);
        *sampler = make_handle<linnet_sampler>(model->engine, std::move(shared));
    });
}

void linnet_sampler_destroy(linnet_sampler* sampler) { destroy_handle(sampler); }

linnet_status linnet_sampler_reset(linnet_sampler* sampler, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(sampler, "sampler");
        const Entered entered(sampler->shared->entered, "sampler");
        sampler->shared->sampler.reset();
    });
}

linnet_status linnet_sampler_sample(linnet_sampler* sampler, const float* logits, size_t n_logits, linnet_token* token,
                                    linnet_error* error) {
    return guard(error, [&] {
        require_pointer(token, "token");
        *token = kNoToken;
        require_pointer(sampler, "sampler");
        require_pointer(logits, "logits");
        Sampler& inside = sampler->shared->sampler;
        require(n_logits == inside.n_vocab(), "n_logits is {}, the model has {} tokens", n_logits, inside.n_vocab());
        const Entered entered(sampler->shared->entered, "sampler");
        const Token chosen = inside.sample({logits, n_logits});
        inside.accept(chosen);
        *token = chosen;
    });
}
