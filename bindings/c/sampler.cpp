// SPDX-License-Identifier: MIT
// linnet_sampler.
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"

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
