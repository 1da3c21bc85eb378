// SPDX-License-Identifier: MIT
// linnet_embed: all texts become tokens first, so that what is wrong is said before anything is computed; then one
// after the other becomes a vector, in memory for the longest of them that goes back when the call ends.
#include <algorithm>

#include "base/checked.hpp"
#include "bindings/c/embed.hpp"
#include "bindings/c/handles.hpp"
#include "bindings/c/structs.hpp"
#include "bindings/c/tokens.hpp"
#include "session/embedder.hpp"

namespace linnet::c_api {

namespace {

using arch::Pooling;

// LINNET_POOLING_*: one more than files have, as zero is the default.
constexpr std::int32_t public_pooling(Pooling pooling) noexcept { return static_cast<std::int32_t>(pooling) + 1; }
static_assert(public_pooling(Pooling::none) == LINNET_POOLING_NONE &&
              public_pooling(Pooling::mean) == LINNET_POOLING_MEAN &&
              public_pooling(Pooling::cls) == LINNET_POOLING_CLS &&
              public_pooling(Pooling::last) == LINNET_POOLING_LAST &&
              public_pooling(Pooling::rank) == LINNET_POOLING_RANK);

Pooling pooling_of(const linnet_embed_options& options, const arch::ModelSpec& spec) {
    require(options.pooling >= LINNET_POOLING_DEFAULT && options.pooling <= LINNET_POOLING_RANK,
            "linnet_embed_options: pooling is {}, no LINNET_POOLING_*", options.pooling);
    if (options.pooling != LINNET_POOLING_DEFAULT) return static_cast<Pooling>(options.pooling - 1);
    require(spec.pooling != Pooling::none,
            "linnet_embed_options: pooling is the default, but key '{}.pooling_type' names none", spec.architecture);
    return spec.pooling;
}

// Ids of all texts, one after the other; text i ends at ends[i].
struct Texts {
    explicit Texts(Memory& memory) : ids(&memory), ends(&memory) {}
    std::pmr::vector<Token> ids;
    std::pmr::vector<std::size_t> ends;
    std::size_t longest = 1;

    std::span<const Token> text(std::size_t i) const {
        const std::size_t begin = i == 0 ? 0 : ends[i - 1];
        return {ids.data() + begin, ends[i] - begin};
    }
};

// Cuts the last text to n_max tokens; the token which the tokeniser puts behind a text stays the last one.
void truncate(const Tokenizer& tokenizer, bool with_special, std::size_t begin, std::size_t n_max,
              std::pmr::vector<Token>& ids) {
    const bool ends_special = with_special && tokenizer.add_eos() && tokenizer.eos() != kNoToken;
    ids.resize(begin + n_max);
    if (ends_special) ids.back() = tokenizer.eos();
}

Texts read_texts(const Model& model, const linnet_text* texts, std::size_t n_texts, const linnet_embed_options& options,
                 std::uint32_t context) {
    const TokenizeOptions tokenize = tokenize_options(options.flags);
    Texts result(model.engine().memory);
    result.ends.reserve(n_texts);
    for (std::size_t i = 0; i < n_texts; ++i) {
        require(texts[i].data != nullptr || texts[i].size == 0, "texts[{}].data is null but its size is {}", i,
                texts[i].size);
        const std::size_t begin = result.ids.size();
        model.tokenizer().encode({texts[i].data, texts[i].size}, tokenize, result.ids);
        const std::size_t n = result.ids.size() - begin;
        require(n != 0, "texts[{}] has no tokens", i);
        if (n > context) {
            if (options.truncate == 0) {
                throw Error(Status::context_full, "texts[{}] has {} tokens, more than the context of {}", i, n,
                            context);
            }
            truncate(model.tokenizer(), tokenize.add_special, begin, context, result.ids);
        }
        result.longest = std::max(result.longest, std::min<std::size_t>(n, context));
        result.ends.push_back(result.ids.size());
    }
    return result;
}

}  // namespace

VectorInfo vector_info(const arch::ModelSpec& spec) noexcept {
    const bool ranks = spec.pooling == Pooling::rank;
    return {ranks ? spec.n_classes : spec.d_model, public_pooling(spec.pooling)};
}

}  // namespace linnet::c_api

using namespace linnet;
using namespace linnet::c_api;

void linnet_embed_options_init(linnet_embed_options* options, uint32_t struct_size) {
    init_struct(options, struct_size);
}

linnet_status linnet_embed(const linnet_model* model, const linnet_embed_options* given, const linnet_text* texts,
                           size_t n_texts, float* vectors, size_t capacity, size_t* n_floats, linnet_error* error) {
    return guard(error, [&] {
        require_pointer(n_floats, "n_floats");
        *n_floats = 0;
        require_pointer(model, "model");
        const auto options = read_options(given);
        require_array(texts, n_texts, sizeof *texts, "texts");
        require_array(vectors, capacity, sizeof *vectors, "vectors");
        const Model& inside = model->loaded->model;
        const arch::ModelSpec& spec = inside.spec();
        const Pooling pooling = pooling_of(options, spec);
        const std::uint32_t n_vector = Embedder::vector_size(spec, pooling);
        const std::uint32_t context = Embedder::context(spec, options.n_ctx);

        const Texts tokens = read_texts(inside, texts, n_texts, options, context);
        const std::size_t n_vectors = pooling == Pooling::none ? tokens.ids.size() : n_texts;
        const std::size_t n_needed = checked_mul<std::size_t>(n_vectors, n_vector, "vectors");
        *n_floats = n_needed;
        if (capacity < n_needed) {
            throw Error(Status::buffer_too_small, "vectors holds {} floats, {} are needed", capacity, n_needed);
        }
        if (n_texts == 0) return;
        const FloatEnvironment environment;
        Embedder embedder(inside, context, static_cast<std::uint32_t>(tokens.longest), pooling);
        const bool normalised = options.no_normalise == 0 && pooling != Pooling::rank;
        float* y = vectors;
        for (std::size_t i = 0; i < n_texts; ++i) {
            if (options.progress != nullptr && options.progress(options.progress_user, i, n_texts) != 0) {
                throw Error(Status::cancelled, "cancelled by the progress callback after {} texts", i);
            }
            const std::span<const Token> text = tokens.text(i);
            embedder.embed(text, y);
            const std::size_t n = pooling == Pooling::none ? text.size() : 1;
            for (std::size_t j = 0; j < n; ++j, y += n_vector) {
                if (normalised) normalise({y, n_vector});
            }
        }
        if (options.progress != nullptr) (void)options.progress(options.progress_user, n_texts, n_texts);
    });
}
