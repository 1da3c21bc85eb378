// SPDX-License-Identifier: MIT
#include "arch/hparams.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/math.hpp"

namespace linnet::arch {

namespace {

// Bounds of what is taken for a model at all; sizes that follow from them cannot overflow 64 bits.
constexpr std::uint32_t kMaxLayers = 1024;
constexpr std::uint32_t kMaxWidth = 1U << 20;
constexpr std::uint32_t kMaxHeads = 1024;
constexpr std::uint32_t kMaxContext = 1U << 28;
constexpr std::uint32_t kMaxExperts = 1024;

}  // namespace

HParams::HParams(const gguf::File& file) : file_(file) {
    const auto architecture = file.string("general.architecture");
    if (!architecture) throw Error(Status::bad_file, "key 'general.architecture' is missing");
    architecture_ = *architecture;
}

std::string HParams::key(std::string_view name) const {
    std::string key(architecture_);
    key += '.';
    key += name;
    return key;
}

bool HParams::has(std::string_view name) const { return file_.find(key(name)) != nullptr; }

std::uint32_t HParams::count(std::string_view name, std::uint32_t max) const {
    const std::string k = key(name);
    const auto value = file_.u32(k);
    if (!value) throw Error(Status::bad_file, "key '{}' is missing", k);
    if (*value == 0 || *value > max) throw Error(Status::bad_file, "key '{}' is {}, not in 1..{}", k, *value, max);
    return *value;
}

std::uint32_t HParams::count_or(std::string_view name, std::uint32_t otherwise, std::uint32_t max) const {
    const std::string k = key(name);
    const std::uint32_t value = file_.u32(k).value_or(otherwise);
    if (value > max) throw Error(Status::bad_file, "key '{}' is {}, not in 0..{}", k, value, max);
    return value;
}

void HParams::check_length(const std::string& key, std::size_t n, std::size_t n_layers) const {
    if (n != n_layers && n != count("block_count", kMaxLayers)) {
        throw Error(Status::bad_file, "key '{}' has {} elements for {} layers", key, n, n_layers);
    }
}

std::uint32_t HParams::layer_count(std::string_view name, std::uint32_t layer, std::uint32_t n_layers,
                                   std::uint32_t otherwise, std::uint32_t max, std::uint32_t min) const {
    const std::string k = key(name);
    const gguf::Value* value = file_.find(k);
    std::uint32_t n = otherwise;
    if (value != nullptr && value->type == gguf::ValueType::array) {
        const auto values = file_.i32s(k, *std::pmr::new_delete_resource());
        check_length(k, values->size(), n_layers);
        n = static_cast<std::uint32_t>((*values)[layer]);
    } else if (value != nullptr) {
        n = *file_.u32(k);
    }
    if (n < min || n > max) {
        throw Error(Status::bad_file, "key '{}' is {} for layer {}, not in {}..{}", k, n, layer, min, max);
    }
    return n;
}

std::vector<bool> HParams::layer_flags(std::string_view name, std::size_t n_layers) const {
    const std::string k = key(name);
    const auto values = file_.booleans(k, *std::pmr::new_delete_resource());
    if (!values) return {};
    check_length(k, values->size(), n_layers);
    return {values->begin(), values->end()};
}

float HParams::positive(std::string_view name) const {
    const std::string k = key(name);
    if (!file_.f32(k)) throw Error(Status::bad_file, "key '{}' is missing", k);
    return positive_or(name, 0.0F);
}

float HParams::positive_or(std::string_view name, float otherwise) const {
    const std::string k = key(name);
    const float value = file_.f32(k).value_or(otherwise);
    if (!(value > 0.0F && value < 1e30F))
        throw Error(Status::bad_file, "key '{}' is {}, not a positive number", k, value);
    return value;
}

void read_decoder(const HParams& h, ModelSpec& spec, std::uint32_t min_kv_heads) {
    const gguf::TensorInfo* embedding = h.file().find_tensor("token_embd.weight");
    if (embedding == nullptr) throw Error(Status::bad_file, "tensor 'token_embd.weight' is missing");
    if (embedding->shape[1] > 1U << 24) {
        throw Error(Status::bad_file, "tensor 'token_embd.weight' has {} rows", embedding->shape[1]);
    }
    spec.n_vocab = static_cast<std::uint32_t>(embedding->shape[1]);
    const std::uint32_t n_vocab_key = h.count_or("vocab_size", spec.n_vocab, 1U << 24);
    if (n_vocab_key != spec.n_vocab) {
        throw Error(Status::bad_file, "key '{}' is {} but tensor 'token_embd.weight' has {} rows", h.key("vocab_size"),
                    n_vocab_key, spec.n_vocab);
    }
    spec.n_ctx_train = h.count("context_length", kMaxContext);
    spec.d_model = h.count("embedding_length", kMaxWidth);
    spec.bidirectional = !h.file().boolean(h.key("attention.causal")).value_or(true);
    spec.pooling = static_cast<Pooling>(h.count_or("pooling_type", 0, kPoolings - 1));
    spec.norm_eps =
        h.positive(spec.norm == NormKind::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon");
    const std::uint32_t n_all_layers = h.count("block_count", kMaxLayers);
    spec.n_draft_layers = h.count_or("nextn_predict_layers", 0, n_all_layers - 1);
    const std::uint32_t n_layers = n_all_layers - spec.n_draft_layers;
    spec.layers.resize(n_layers);
    for (std::uint32_t i = 0; i < n_layers; ++i) {
        LayerSpec& layer = spec.layers[i];
        layer.n_heads = h.layer_count("attention.head_count", i, n_layers, 0, kMaxHeads);
        layer.n_kv_heads =
            h.layer_count("attention.head_count_kv", i, n_layers, layer.n_heads, kMaxHeads, min_kv_heads);
        if (layer.n_kv_heads != 0 && layer.n_heads % layer.n_kv_heads != 0) {
            throw Error(Status::bad_file, "key '{}' ({}) is not a multiple of '{}' ({})", h.key("attention.head_count"),
                        layer.n_heads, h.key("attention.head_count_kv"), layer.n_kv_heads);
        }
        layer.head_dim = h.count_or("attention.key_length", spec.d_model / layer.n_heads, kMaxHeadDim);
        const std::uint32_t value_length = h.count_or("attention.value_length", layer.head_dim, kMaxHeadDim);
        if (value_length != layer.head_dim && !h.has("attention.kv_lora_rank")) {
            throw Error(Status::unsupported, "key '{}' ({}) differs from '{}' ({})", h.key("attention.value_length"),
                        value_length, h.key("attention.key_length"), layer.head_dim);
        }
        if (layer.head_dim == 0 || layer.head_dim % 2 != 0) {
            throw Error(Status::bad_file, "key '{}' gives heads of {} dimensions", h.key("attention.key_length"),
                        layer.head_dim);
        }
        layer.d_ff = h.layer_count("feed_forward_length", i, n_layers, 0, kMaxWidth);
        layer.attention_scale = static_cast<float>(1.0 / math::sqrt(layer.head_dim));
    }
}

void read_scales(const HParams& h, ModelSpec& spec) {
    spec.embedding_scale = h.positive_or("embedding_scale", 1.0F);
    spec.residual_scale = h.positive_or("residual_scale", 1.0F);
    spec.logit_scale = 1.0F / h.positive_or("logit_scale", 1.0F);
    for (LayerSpec& layer : spec.layers) {
        layer.attention_scale = h.positive_or("attention.scale", layer.attention_scale);
    }
}

std::uint32_t rows_of(const gguf::File& file, std::string_view tensor) {
    const gguf::TensorInfo* found = file.find_tensor(tensor);
    if (found == nullptr) return 0;
    if (found->shape[1] > kMaxWidth) {
        throw Error(Status::bad_file, "tensor '{}' has {} rows", tensor, found->shape[1]);
    }
    return static_cast<std::uint32_t>(found->shape[1]);
}

void read_classifier(const HParams& h, ModelSpec& spec) {
    spec.n_classes = rows_of(h.file(), "cls.output.weight");
    if (spec.n_classes == 0 && spec.pooling == Pooling::rank) {
        throw Error(Status::bad_file, "key '{}' asks for ranks, but tensor 'cls.output.weight' is missing",
                    h.key("pooling_type"));
    }
}

bool has_experts(const HParams& h) { return h.count_or("expert_count", 0, kMaxExperts) != 0; }

Routing read_routing(const HParams& h) {
    constexpr std::uint32_t kSoftmax = 1;
    constexpr std::uint32_t kSigmoid = 2;
    const auto tensors = h.file().tensors();
    const bool has_bias = std::any_of(tensors.begin(), tensors.end(), [](const gguf::TensorInfo& tensor) {
        return tensor.name.ends_with(".exp_probs_b.bias");
    });
    std::uint32_t function = h.count_or("expert_gating_func", 0, ~0U);
    if (function == 0) function = has_bias ? kSigmoid : kSoftmax;
    if (function > kSigmoid) {
        throw Error(Status::unsupported, "key '{}': weighing experts by function {} is not supported",
                    h.key("expert_gating_func"), function);
    }
    const bool normed = h.file().boolean(h.key("expert_weights_norm")).value_or(false);
    if (function == kSigmoid) return normed ? Routing::sigmoid_chosen : Routing::sigmoid_all;
    return normed ? Routing::softmax_chosen : Routing::softmax_all;
}

namespace {

void read_groups(const HParams& h, ExpertSpec& experts) {
    const std::uint32_t n_groups = std::max(1U, h.count_or("expert_group_count", 1, kMaxExpertGroups));
    const std::uint32_t n_used = h.count_or("expert_group_used_count", n_groups, n_groups);
    if (n_used == n_groups) return;
    const std::uint32_t size = experts.n_experts / n_groups;
    if (size * n_groups != experts.n_experts || size < 2) {
        throw Error(Status::bad_file, "key '{}' ({}) does not split '{}' ({}) into groups", h.key("expert_group_count"),
                    n_groups, h.key("expert_count"), experts.n_experts);
    }
    if (experts.n_used > n_used * size) {
        throw Error(Status::bad_file, "key '{}' ({}) is more than '{}' ({}) of '{}' ({}) hold",
                    h.key("expert_used_count"), experts.n_used, h.key("expert_group_used_count"), n_used,
                    h.key("expert_group_count"), n_groups);
    }
    experts.n_groups = n_groups;
    experts.n_groups_used = n_used;
}

}  // namespace

void read_experts(const HParams& h, ModelSpec& spec, Routing routing, bool beside_dense) {
    ExpertSpec experts;
    experts.n_experts = h.count("expert_count", kMaxExperts);
    experts.n_used = h.count("expert_used_count", kMaxExperts);
    if (experts.n_used > experts.n_experts) {
        throw Error(Status::bad_file, "key '{}' ({}) is more than '{}' ({})", h.key("expert_used_count"),
                    experts.n_used, h.key("expert_count"), experts.n_experts);
    }
    experts.d_ff_shared = h.count_or("expert_shared_feed_forward_length", 0, kMaxWidth);
    experts.routing = routing;
    experts.scale = h.positive_or("expert_weights_scale", 1.0F);
    read_groups(h, experts);
    const std::uint32_t first = h.count_or("leading_dense_block_count", 0, kMaxLayers);
    const std::uint32_t step = std::max(1U, h.count_or("interleave_moe_layer_step", 1, kMaxLayers));
    for (std::uint32_t i = 0; i < spec.layers.size(); ++i) {
        LayerSpec& layer = spec.layers[i];
        if (i < first || (i + 1) % step != 0) continue;
        layer.experts = experts;
        layer.experts.d_ff = h.count_or("expert_feed_forward_length", layer.d_ff, kMaxWidth);
        if (layer.experts.d_ff == 0) {
            throw Error(Status::bad_file, "key '{}' is 0", h.key("expert_feed_forward_length"));
        }
        if (!beside_dense) layer.d_ff = 0;
    }
}

RopeSpec read_rope(const HParams& h, const ModelSpec& spec, RopeKind kind) {
    RopeSpec rope;
    rope.kind = kind;
    rope.theta = h.positive_or("rope.freq_base", 10000.0F);
    const std::uint32_t head_dim = spec.layers[0].head_dim;
    rope.n_rot = h.count_or("rope.dimension_count", head_dim, head_dim);
    if (rope.n_rot == 0 || rope.n_rot % 2 != 0) {
        throw Error(Status::bad_file, "key '{}' is {}, not an even count", h.key("rope.dimension_count"), rope.n_rot);
    }
    rope.n_ctx_orig = h.count_or("rope.scaling.original_context_length", spec.n_ctx_train, kMaxContext);

    const std::string type_key = h.key("rope.scaling.type");
    const std::string_view type = h.file().string(type_key).value_or("none");
    if (type == "linear" || type == "yarn") {
        rope.scaling = type == "linear" ? RopeScaling::linear : RopeScaling::yarn;
        rope.factor = h.positive("rope.scaling.factor");
    } else if (type == "longrope") {
        rope.scaling = RopeScaling::longrope;
    } else if (type != "none") {
        throw Error(Status::unsupported, "key '{}': rope scaling '{}' is not supported", type_key, type);
    } else if (h.file().find(h.key("rope.scale_linear")) != nullptr) {  // older converters
        rope.scaling = RopeScaling::linear;
        rope.factor = h.positive("rope.scale_linear");
    }
    rope.magnitude = h.positive_or("rope.scaling.attn_factor", 1.0F);
    if (rope.scaling == RopeScaling::yarn) {
        rope.beta_fast = h.positive_or("rope.scaling.yarn_beta_fast", 32.0F);
        rope.beta_slow = h.positive_or("rope.scaling.yarn_beta_slow", 1.0F);
        // YaRN (arXiv 2309.00071), section 3.4: attention is scaled through cos and sin.
        const double ln_factor = math::log(std::max(1.0, static_cast<double>(rope.factor)));
        rope.magnitude = static_cast<float>(rope.magnitude * (0.1 * ln_factor + 1.0));
    }
    return rope;
}

RopeSpec read_granite_rope(const HParams& h, const ModelSpec& spec) {
    if (h.file().boolean(h.key("rope.scaling.finetuned")).value_or(true)) {
        return read_rope(h, spec, RopeKind::interleaved);
    }
    RopeSpec none;
    none.kind = RopeKind::none;
    return none;
}

RopeSpec read_longrope(const HParams& h, const ModelSpec& spec) {
    RopeSpec rope = read_rope(h, spec, RopeKind::neox);
    if (h.file().find_tensor("rope_factors_long.weight") == nullptr) return rope;
    rope.scaling = RopeScaling::longrope;
    if (!h.has("rope.scaling.attn_factor") && spec.n_ctx_train > rope.n_ctx_orig) {
        // The formula of the paper's models (arXiv 2402.13753), for files without the key.
        const double n_orig = rope.n_ctx_orig;
        rope.magnitude = static_cast<float>(math::sqrt(1.0 + math::log(spec.n_ctx_train / n_orig) / math::log(n_orig)));
    }
    return rope;
}

void read_windows_and_sharing(const HParams& h, ModelSpec& spec) {
    const auto n_layers = static_cast<std::uint32_t>(spec.layers.size());
    const std::uint32_t window = h.count("attention.sliding_window", kMaxContext);
    const std::vector<bool> windowed = h.layer_flags("attention.sliding_window_pattern", n_layers);
    if (windowed.empty()) {
        throw Error(Status::bad_file, "key '{}' is missing", h.key("attention.sliding_window_pattern"));
    }
    const std::uint32_t n_own = n_layers - h.count_or("attention.shared_kv_layers", 0, n_layers - 1);
    for (std::uint32_t i = 0; i < n_layers; ++i) {
        LayerSpec& layer = spec.layers[i];
        layer.window = windowed[i] ? window : 0;
        layer.rope = windowed[i] ? 1 : 0;
        if (i < n_own) continue;
        std::uint32_t source = n_own;
        while (source > 0 && windowed[source - 1] != windowed[i]) --source;
        if (source == 0) {
            throw Error(Status::bad_file, "key '{}': no layer before {} has keys and values for layer {}",
                        h.key("attention.shared_kv_layers"), n_own, i);
        }
        layer.kv_layer = source - 1;
        if (layer.n_kv_heads != spec.layers[source - 1].n_kv_heads) {
            throw Error(Status::bad_file, "key '{}' differs between layer {} and layer {}, whose keys it shares",
                        h.key("attention.head_count_kv"), i, source - 1);
        }
    }
}

void read_per_layer_embedding(const HParams& h, ModelSpec& spec) {
    spec.d_per_layer = h.count_or("embedding_length_per_layer_input", 0, kMaxWidth);
    if (spec.d_per_layer == 0) return;
    const gguf::TensorInfo* embedding = h.file().find_tensor("per_layer_token_embd.weight");
    if (embedding == nullptr) throw Error(Status::bad_file, "tensor 'per_layer_token_embd.weight' is missing");
    if (embedding->shape[1] == 0 || embedding->shape[1] > spec.n_vocab) {
        throw Error(Status::bad_file, "tensor 'per_layer_token_embd.weight' has {} rows, 'token_embd.weight' {}",
                    embedding->shape[1], spec.n_vocab);
    }
    spec.n_vocab_per_layer = static_cast<std::uint32_t>(embedding->shape[1]);
}

namespace {

DeltaSpec read_delta_spec(const HParams& h) {
    DeltaSpec delta;
    delta.n_key_heads = h.count("ssm.group_count", kMaxHeads);
    delta.n_value_heads = h.count("ssm.time_step_rank", kMaxHeads);
    delta.d_key = h.count("ssm.state_size", kMaxHeadDim);
    const std::uint32_t value_width = h.count("ssm.inner_size", kMaxWidth);
    if (delta.n_value_heads % delta.n_key_heads != 0) {
        throw Error(Status::bad_file, "key '{}' ({}) is not a multiple of '{}' ({})", h.key("ssm.time_step_rank"),
                    delta.n_value_heads, h.key("ssm.group_count"), delta.n_key_heads);
    }
    delta.d_value = value_width / delta.n_value_heads;
    if (delta.d_value * delta.n_value_heads != value_width || delta.d_value > kMaxHeadDim) {
        throw Error(Status::bad_file, "key '{}' ({}) does not split into heads by '{}' ({})", h.key("ssm.inner_size"),
                    value_width, h.key("ssm.time_step_rank"), delta.n_value_heads);
    }
    return delta;
}

void make_recurrent(LayerSpec& layer, Mixer mixer, const DeltaSpec& delta, std::uint32_t n_taps) {
    layer.mixer = mixer;
    layer.n_taps = n_taps;
    layer.delta = delta;
    layer.n_heads = 0;
    layer.n_kv_heads = 0;
    layer.head_dim = 0;
}

}  // namespace

void read_delta_nets(const HParams& h, ModelSpec& spec) {
    const auto n_layers = static_cast<std::uint32_t>(spec.layers.size());
    const DeltaSpec delta = read_delta_spec(h);
    const std::uint32_t n_taps = h.count("ssm.conv_kernel", 64);
    const std::uint32_t interval = h.count_or("full_attention_interval", 4, n_layers + 4);
    const std::vector<bool> recurrent = h.layer_flags("attention.recurrent_layers", n_layers);
    for (std::uint32_t i = 0; i < n_layers; ++i) {
        LayerSpec& layer = spec.layers[i];
        layer.gated = true;
        if (recurrent.empty() ? interval != 0 && (i + 1) % interval == 0 : !recurrent[i]) continue;
        make_recurrent(layer, Mixer::delta_net, delta, n_taps);
    }
}

void read_state_spaces(const HParams& h, ModelSpec& spec) {
    const DeltaSpec delta = read_delta_spec(h);
    const std::uint32_t n_taps = h.count("ssm.conv_kernel", 64);
    for (LayerSpec& layer : spec.layers) {
        if (layer.n_kv_heads == 0) make_recurrent(layer, Mixer::state_space, delta, n_taps);
    }
}

void read_short_convs(const HParams& h, ModelSpec& spec) {
    read_decoder(h, spec, 0);
    spec.ropes.push_back(read_rope(h, spec, RopeKind::neox));
    const std::uint32_t n_taps = h.count("shortconv.l_cache", 64);
    for (LayerSpec& layer : spec.layers) {
        if (layer.n_kv_heads == 0) make_recurrent(layer, Mixer::short_conv, {}, n_taps);
    }
}

}  // namespace linnet::arch
