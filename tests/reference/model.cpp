// SPDX-License-Identifier: MIT
// Loading (top) and the forward computation (bottom) of the reference model. One straight line from tokens to logits:
// whatever an architecture adds is an optional tensor or a number that is neutral elsewhere.
// Sources: RMSNorm arXiv:1910.07467; RoPE arXiv:2104.09864; GQA arXiv:2305.13245; GLU arXiv:2002.05202; YaRN
// arXiv:2309.00071; LongRoPE arXiv:2402.13753; Gemma 3 arXiv:2503.19786; Phi-3 arXiv:2404.14219; LayerNorm
// arXiv:1607.06450; Gemma 2 arXiv:2408.00118; OLMo 2 arXiv:2501.00656; NoPE arXiv:2501.18795; granite's scales, GPT-2,
// Phi, StarCoder 2, StableLM, Cohere 2 and GLM-4 as the models' own code in transformers describes them; BERT
// arXiv:1810.04805; GELU arXiv:1606.08415; Nomic Embed arXiv:2402.01613; EmbeddingGemma arXiv:2509.20354; poolings as
// in sentence-transformers, rankers as transformers' RobertaForSequenceClassification and Qwen3-Reranker's card.
#include "tests/reference/model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/memory.hpp"
#include "tests/reference/experts.hpp"
#include "tests/reference/gemma_n.hpp"
#include "tests/reference/latent.hpp"
#include "tests/reference/reader.hpp"
#include "tests/reference/recurrent.hpp"
#include "tests/reference/weights.hpp"

namespace reference {

namespace {

using Eigen::Index;

// The angular frequencies of the rotated pairs and what multiplies cos and sin.
struct Rope {
    RowVector frequencies;
    double magnitude = 1;
};

struct Layer {
    Norm attn_norm, ffn_norm;
    Norm q_norm, k_norm;
    Norm post_attention_norm, post_ffw_norm;
    Norm sum_norm_1, sum_norm_2;  // of x after each residual sum
    Linear q, k, v, o;
    LatentAttention latent;                                 // instead, where there is one
    Linear gate, up, down;                                  // gate may be empty
    Experts experts;                                        // instead, where there are any, or beside
    Norm experts_norm, post_dense_norm, post_experts_norm;  // where beside
    RowVector sinks;        // a score for each head that takes part in the softmax and has no value; may be empty
    Index window = 0;       // position i sees the last `window` positions, itself included; 0: all. In models that see
                            // both sides: as far as window / 2 away
    bool is_local = false;  // rotates with Weights::local
    bool is_rotated = true;
    bool is_parallel = false;  // the feed-forward does not see what attention added
    Index head_dim = 0;
    Index kv_layer = 0;                       // the layer whose keys and values are attended to
    Matrix output_scale;                      // of all that the layer gives; may be empty
    std::shared_ptr<const ShortConv> conv;    // instead of attention
    std::shared_ptr<const DeltaNet> delta;    // likewise
    std::shared_ptr<const StateSpace> space;  // likewise
    bool is_gated = false;                    // each head's queries come with a gate, one after the other
    double sparsity = -std::numeric_limits<double>::infinity();  // deviations above the mean where the gate begins
};

}  // namespace

struct Weights {
    Index n_heads = 0;
    double norm_eps = 0;
    double embedding_scale = 1;
    double attention_scale = 1;
    bool is_interleaved = false;  // rope turns dimensions (2i, 2i + 1) instead of (i, i + n_rot / 2)
    bool is_gelu = false;         // else SiLU
    bool is_exact_gelu = false;   // by the error function
    bool is_bidirectional = false;
    bool is_layer_norm = false;  // else RMSNorm
    double residual_scale = 1;
    double attention_cap = 0;  // s becomes cap tanh(s / cap); 0: none
    double logit_scale = 1;
    double logit_cap = 0;
    double temperature = 0;  // queries grow by 1 + temperature ln(1 + floor(pos / temperature_context))
    Index temperature_context = 1;
    Rope global, local;
    Rope long_global;  // instead of `global` beyond original_context; empty when there is no such thing
    std::uint32_t original_context = 0;
    Matrix token_embd;
    Matrix position_embd;  // may be empty
    Matrix token_types;    // likewise; the first row is everybody's
    Norm embd_norm;
    std::vector<Layer> layers;
    Norm output_norm;
    Linear output;                // without weight: tied to token_embd
    Index pooling = 0;            // 1: mean, 2: first token, 3: last token, 4: rank
    Linear cls, cls_output;       // of rankers; may be empty
    Linear dense_2, dense_3;      // behind the pooling; may be empty
    bool is_probability = false;  // ranks are a softmax over the classes
    bool is_value_normed = false;
    std::unique_ptr<PerLayer> per_layer;
    std::unique_ptr<AltUp> altup;
    SharedSquares squares;
};

namespace {

// Rows [first, first + n) of a fused projection.
Linear slice(const Linear& fused, Index first, Index n) {
    return {fused.weight.middleRows(first, n),
            fused.bias.size() == 0 ? RowVector() : RowVector(fused.bias.segment(first, n)), fused.tensor,
            first == 0 ? fused.squares : nullptr};
}

// theta^(-2i / n_rot) for i in [0, n_rot / 2).
RowVector plain_frequencies(double theta, Index n_rot) {
    RowVector result(n_rot / 2);
    for (Index i = 0; i < result.size(); ++i) {
        result[i] = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(n_rot));
    }
    return result;
}

// YaRN, section 3.2 ("NTK-by-parts"): pairs that turn more than beta_fast times within the original context keep their
// frequency, those that turn less than beta_slow times are interpolated, with a linear ramp over the pair's index
// between the two, whose ends are rounded outwards. Section 3.4: temperature as a factor 0.1 ln(s) + 1 of q and of k.
Rope yarn(const Reader& reader, double theta, Index n_rot) {
    const double factor = Reader::need(reader.real("rope.scaling.factor"), "rope.scaling.factor");
    const Index context =
        Reader::need(reader.integer("rope.scaling.original_context_length"), "rope.scaling.original_context_length");
    const double fast = reader.real("rope.scaling.yarn_beta_fast").value_or(32);
    const double slow = reader.real("rope.scaling.yarn_beta_slow").value_or(1);
    // The (fractional) index of the pair that turns `turns` times within the original context.
    const auto pair_of = [&](double turns) {
        const double longest = static_cast<double>(context) / (turns * 2 * std::numbers::pi);
        return static_cast<double>(n_rot) * std::log(longest) / (2 * std::log(theta));
    };
    const bool is_rounded = reader.architecture() != "gpt-oss";
    const double low = std::max(is_rounded ? std::floor(pair_of(fast)) : pair_of(fast), 0.0);
    double high = std::min(is_rounded ? std::ceil(pair_of(slow)) : pair_of(slow), static_cast<double>(n_rot - 1));
    if (low == high) high += 0.001;  // as the authors' code does

    // DeepSeek's variant divides by a temperature of its own.
    const double all_dim = reader.real("rope.scaling.yarn_log_multiplier").value_or(0);
    Rope rope{plain_frequencies(theta, n_rot), (0.1 * std::log(factor) + 1) / (0.1 * all_dim * std::log(factor) + 1)};
    for (Index i = 0; i < rope.frequencies.size(); ++i) {
        const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
        rope.frequencies[i] *= ramp / factor + (1 - ramp);
    }
    return rope;
}

void load_ropes(Reader& reader, Weights& weights, Index head_dim) {
    const Index n_rot = reader.integer("rope.dimension_count").value_or(head_dim);
    const double theta = reader.real("rope.freq_base").value_or(10000);
    const std::string scaling = reader.text("rope.scaling.type", "none");

    weights.global.frequencies = plain_frequencies(theta, n_rot);
    if (scaling == "linear") {
        weights.global.frequencies /= Reader::need(reader.real("rope.scaling.factor"), "rope.scaling.factor");
    } else if (scaling == "yarn") {
        weights.global = yarn(reader, theta, n_rot);
    } else if (scaling != "none") {
        throw std::runtime_error("reference: unknown rope scaling " + scaling);
    }

    // Llama 3: the scaling of each frequency is in a tensor.
    if (const RowVector factors = reader.optional_vector("rope_freqs.weight"); factors.size() != 0) {
        weights.global.frequencies.array() /= factors.array();
    }

    // LongRoPE: two such tensors, and one factor of cos and sin.
    if (const RowVector factors = reader.optional_vector("rope_factors_long.weight"); factors.size() != 0) {
        weights.global.magnitude = Reader::need(reader.real("rope.scaling.attn_factor"), "rope.scaling.attn_factor");
        weights.long_global = weights.global;
        weights.long_global.frequencies.array() /= factors.array();
        weights.global.frequencies.array() /= reader.vector("rope_factors_short.weight").array();
        weights.original_context = static_cast<std::uint32_t>(Reader::need(
            reader.integer("rope.scaling.original_context_length"), "rope.scaling.original_context_length"));
    }

    // Gemma 3 and OLMo 3: windowed layers are never scaled; those of Gemma have a base of their own.
    const double local_theta = reader.architecture().rfind("gemma", 0) == 0 ? 10000 : theta;
    weights.local.frequencies = plain_frequencies(reader.real("rope.freq_base_swa").value_or(local_theta),
                                                  reader.integer("rope.dimension_count_swa").value_or(n_rot));
}

void load_attention(Reader& reader, const Weights& weights, const std::string& name, Layer& layer) {
    if (reader.has(name + "attn_qkv.weight")) {
        const Linear qkv = reader.linear(name + "attn_qkv");
        const Index q_rows = weights.n_heads * layer.head_dim;
        const Index kv_rows = (qkv.weight.rows() - q_rows) / 2;
        layer.q = slice(qkv, 0, q_rows);
        layer.k = slice(qkv, q_rows, kv_rows);
        layer.v = slice(qkv, q_rows + kv_rows, kv_rows);
    } else {
        layer.q = reader.linear(name + "attn_q");
        layer.k = reader.optional_linear(name + "attn_k");
        layer.v = reader.optional_linear(name + "attn_v");
    }
    layer.is_gated = layer.q.weight.rows() == 2 * layer.o.weight.cols();
}

void load_dense(Reader& reader, const std::string& name, Layer& layer) {
    layer.up = reader.linear(name + "ffn_up");
    layer.down = reader.linear(name + "ffn_down");
    const Index d_ff = layer.down.weight.cols();
    if (reader.has(name + "ffn_gate.weight")) {
        layer.gate = reader.linear(name + "ffn_gate");
    } else if (layer.up.weight.rows() == 2 * d_ff) {
        const Linear gate_up = layer.up;
        layer.gate = slice(gate_up, 0, d_ff);
        layer.up = slice(gate_up, d_ff, d_ff);
    }
}

Layer load_layer(Reader& reader, const Weights& weights, Index index, Index window) {
    const std::string name = "blk." + std::to_string(index) + ".";
    Layer layer;
    layer.attn_norm = reader.norm(name + "attn_norm");
    layer.ffn_norm = reader.norm(name + "ffn_norm");
    layer.q_norm = reader.norm(name + "attn_q_norm");
    layer.k_norm = reader.norm(name + "attn_k_norm");
    // The norm before the feed-forward, by another name.
    const std::set<std::string> renamed = {"gpt-oss", "qwen35", "qwen35moe", "qwen3next"};
    (renamed.count(reader.architecture()) != 0 ? layer.ffn_norm : layer.post_attention_norm) =
        reader.norm(name + "post_attention_norm");
    layer.post_ffw_norm = reader.norm(name + "post_ffw_norm");
    layer.sum_norm_1 = reader.norm(name + "attn_output_norm");
    layer.sum_norm_2 = reader.norm(name + "layer_output_norm");

    const ExpertsSource source = {reader.architecture(),
                                  [&](const std::string& tensor) { return reader.optional_matrix(tensor); },
                                  [&](const std::string& key) { return reader.number(key); }, reader.squares()};
    layer.kv_layer = index;
    layer.output_scale = reader.optional_matrix(name + "layer_output_scale.weight");
    layer.sinks = reader.optional_vector(name + "attn_sinks.weight");
    layer.latent = LatentAttention(source, name);
    // The output projection takes all heads side by side, so that its shape tells their size whatever the keys say.
    layer.o = reader.optional_linear(name + "attn_output");
    layer.head_dim = layer.o.weight.cols() / weights.n_heads;
    const auto take = [&](const std::string& part) { return reader.optional_matrix(name + part); };
    if (reader.has(name + "shortconv.conv.weight")) {
        layer.conv = std::make_shared<const ShortConv>(take);
    } else if (reader.has(name + "ssm_in.weight")) {
        layer.space = std::make_shared<const StateSpace>(
            take, Reader::need(reader.integer("ssm.group_count"), "ssm.group_count"),
            Reader::need(reader.integer("ssm.state_size"), "ssm.state_size"), weights.norm_eps);
    } else if (reader.has(name + "ssm_out.weight")) {
        const Index n_key_heads = Reader::need(reader.integer("ssm.group_count"), "ssm.group_count");
        layer.delta = std::make_shared<const DeltaNet>(take, n_key_heads, weights.norm_eps);
    } else if (layer.latent.empty()) {
        load_attention(reader, weights, name, layer);
    }
    layer.experts = Experts(source, name);
    if (layer.experts.empty() || reader.has(name + "ffn_up.weight")) load_dense(reader, name, layer);
    layer.experts_norm = reader.norm(name + "pre_ffw_norm_2");
    layer.post_dense_norm = reader.norm(name + "post_ffw_norm_1");
    layer.post_experts_norm = reader.norm(name + "post_ffw_norm_2");

    // Every so manieth layer sees all positions, the others a window. Files of some architectures say which.
    const std::map<std::string, Index> periods = {{"gemma2", 2},          {"gpt-oss", 2}, {"gemma3", 6},
                                                  {"gemma-embedding", 6}, {"cohere2", 4}, {"olmo2", 4}};
    const auto period = periods.find(reader.architecture());
    layer.is_local = period == periods.end() || (index + 1) % period->second != 0;
    if (const auto flags = reader.flags("attention.sliding_window_pattern"); !flags.empty()) {
        layer.is_local = flags[static_cast<std::size_t>(index)];
    }
    layer.window = layer.is_local ? window : 0;
    const std::string& architecture = reader.architecture();
    if (architecture == "cohere2") layer.is_rotated = layer.is_local;
    if (architecture == "smollm3") layer.is_rotated = (index + 1) % 4 != 0;
    if (architecture == "gpt2" || architecture == "bert") layer.is_rotated = false;
    if (reader.flag("rope.scaling.finetuned").value_or(true) == false) layer.is_rotated = false;  // Granite 4
    const std::set<std::string> two_ropes = {"gemma3", "gemma3n", "gemma4", "gemma-embedding", "olmo2"};
    layer.is_local = layer.is_local && window != 0 && two_ropes.count(architecture) != 0;
    if (const auto scales = reader.reals("activation_sparsity_scale"); !scales.empty()) {
        layer.sparsity = scales[static_cast<std::size_t>(index)];
    }
    // Without a norm before the feed-forward it takes what attention takes; OLMo 2 has none at either place.
    if (layer.ffn_norm.weight.size() == 0 && layer.attn_norm.weight.size() != 0 && architecture != "olmo2") {
        layer.is_parallel = true;
        layer.ffn_norm = layer.attn_norm;
    }
    return layer;
}

// The last layers attend to what the last one of their kind before them has stored.
void share_keys(const Reader& reader, std::vector<Layer>& layers) {
    const std::size_t n_own =
        layers.size() - static_cast<std::size_t>(reader.integer("attention.shared_kv_layers").value_or(0));
    for (std::size_t i = n_own; i < layers.size(); ++i) {
        for (std::size_t j = 0; j < n_own; ++j) {
            if (layers[j].is_local == layers[i].is_local) layers[i].kv_layer = static_cast<Index>(j);
        }
    }
}

Weights load(const std::string& path) {
    Reader reader(path);
    const std::string& architecture = reader.architecture();
    const std::set<std::string> known = {
        "llama",     "qwen2",      "qwen3",    "gemma",        "gemma2",       "gemma3",          "phi3",    "smollm3",
        "granite",   "mistral3",   "olmo2",    "glm4",         "ernie4_5",     "cohere2",         "gpt2",    "phi2",
        "stablelm",  "starcoder2", "qwen2moe", "qwen3moe",     "olmoe",        "granitemoe",      "gpt-oss", "phimoe",
        "deepseek2", "gemma3n",    "gemma4",   "bert",         "nomic-bert",   "gemma-embedding", "lfm2",    "qwen35",
        "qwen3next", "qwen35moe",  "lfm2moe",  "ernie4_5-moe", "granitehybrid"};
    if (known.count(architecture) == 0) throw std::runtime_error("reference: unknown architecture " + architecture);
    const auto is_one_of = [&](const std::set<std::string>& names) { return names.count(architecture) != 0; };
    const bool is_gemma_n = is_one_of({"gemma3n", "gemma4"});
    const bool is_gemma = is_gemma_n || is_one_of({"gemma", "gemma2", "gemma3", "gemma-embedding"});

    Weights weights;
    weights.token_embd = reader.matrix("token_embd.weight");
    weights.position_embd = reader.optional_matrix("position_embd.weight");
    // LFM2 calls its last norm so.
    const bool is_lfm2 = is_one_of({"lfm2", "lfm2moe"});
    (is_lfm2 ? weights.output_norm : weights.embd_norm) = reader.norm("token_embd_norm");
    if (!is_lfm2) weights.output_norm = reader.norm("output_norm");
    weights.token_types = reader.optional_matrix("token_types.weight");
    weights.pooling = reader.integer("pooling_type").value_or(0);
    weights.cls = reader.optional_linear("cls");
    weights.cls_output = reader.optional_linear("cls.output");
    weights.dense_2 = reader.optional_linear("dense_2");
    weights.dense_3 = reader.optional_linear("dense_3");
    weights.is_probability = architecture == "qwen3";
    weights.is_bidirectional = !reader.flag("attention.causal").value_or(architecture != "gemma-embedding");
    weights.is_exact_gelu = architecture == "bert";
    weights.output = {reader.optional_matrix("output.weight"), reader.optional_vector("output.bias")};
    const Index d_model = weights.token_embd.cols();
    // Layers behind these guess tokens ahead.
    const Index n_layers =
        Reader::need(reader.integer("block_count"), "block_count") - reader.integer("nextn_predict_layers").value_or(0);
    const Index window = reader.integer("attention.sliding_window").value_or(0);

    weights.n_heads = Reader::need(reader.integer("attention.head_count"), "attention.head_count");
    const auto epsilon = reader.real("attention.layer_norm_epsilon");
    weights.is_layer_norm = epsilon.has_value() || architecture == "phimoe";  // whose key has the other name
    weights.norm_eps = epsilon ? *epsilon : Reader::need(reader.real("attention.layer_norm_rms_epsilon"), "epsilon");
    weights.is_interleaved = is_one_of(
        {"llama", "mistral3", "smollm3", "granite", "granitemoe", "glm4", "ernie4_5", "ernie4_5-moe", "cohere2"});
    weights.is_gelu = is_gemma || is_one_of({"gpt2", "phi2", "starcoder2"});
    weights.embedding_scale =
        is_gemma ? std::sqrt(static_cast<double>(d_model)) : reader.real("embedding_scale").value_or(1);
    // The largest Gemmas alone do not scale by their head size.
    const bool is_largest =
        (architecture == "gemma3" && n_layers == 62) || (architecture == "gemma2" && n_layers == 46);
    weights.is_value_normed = is_gemma_n;
    weights.residual_scale = reader.real("residual_scale").value_or(1);
    weights.attention_cap = reader.real("attn_logit_softcapping").value_or(0);
    weights.logit_cap = reader.real("final_logit_softcapping").value_or(0);
    const double logit_scale = reader.real("logit_scale").value_or(1);
    weights.logit_scale = is_one_of({"granite", "granitemoe", "granitehybrid"}) ? 1 / logit_scale : logit_scale;
    weights.temperature = reader.real("attention.temperature_scale").value_or(0);
    weights.temperature_context = reader.integer("rope.scaling.original_context_length").value_or(1);

    for (Index i = 0; i < n_layers; ++i) weights.layers.push_back(load_layer(reader, weights, i, window));
    share_keys(reader, weights.layers);
    const auto attends = [](const Layer& layer) { return layer.head_dim != 0; };
    const Index head_dim = std::find_if(weights.layers.begin(), weights.layers.end(), attends)->head_dim;
    load_ropes(reader, weights, head_dim);
    const Index query_scale = is_gemma_n ? 1 : is_largest ? d_model / weights.n_heads : head_dim;
    weights.attention_scale = reader.real("attention.scale").value_or(1 / std::sqrt(static_cast<double>(query_scale)));

    const auto take = [&](const std::string& name) { return reader.optional_matrix(name); };
    const auto active = static_cast<std::size_t>(reader.integer("altup.active_idx").value_or(0));
    weights.per_layer = std::make_unique<PerLayer>(take, weights.layers.size(), weights.norm_eps, reader.squares());
    weights.squares = reader.squares();
    weights.altup = std::make_unique<AltUp>(take, weights.layers.size(), active, weights.norm_eps);
    reader.check_all_used(n_layers);
    return weights;
}

Matrix apply_norm(Matrix x, const Norm& norm, const Weights& weights) {
    const Index n = norm.weight.cols();
    for (Index first = 0; n != 0 && first < x.cols(); first += n) {
        const auto weight = norm.weight.row(first / n % norm.weight.rows());
        auto part = x.middleCols(first, n);
        for (Index i = 0; i < x.rows(); ++i) {
            if (weights.is_layer_norm) part.row(i).array() -= part.row(i).mean();
            const double mean_square = part.row(i).squaredNorm() / static_cast<double>(n);
            part.row(i) = (part.row(i) / std::sqrt(mean_square + weights.norm_eps)).cwiseProduct(weight).eval();
            if (norm.bias.size() != 0) part.row(i) += norm.bias;
        }
    }
    return x;
}

double soft_cap(double x, double cap) { return cap == 0 ? x : cap * std::tanh(x / cap); }

// Turns each pair of each head of row `pos` by pos * frequency.
void rotate(Matrix& x, Index head_dim, const Weights& weights, const Rope& rope) {
    const Index n_pairs = rope.frequencies.size();
    for (Index pos = 0; pos < x.rows(); ++pos) {
        for (Index head = 0; head < x.cols(); head += head_dim) {
            for (Index i = 0; i < n_pairs; ++i) {
                double& a = x(pos, head + (weights.is_interleaved ? 2 * i : i));
                double& b = x(pos, head + (weights.is_interleaved ? 2 * i + 1 : i + n_pairs));
                const double angle = static_cast<double>(pos) * rope.frequencies[i];
                const double cosine = rope.magnitude * std::cos(angle);
                const double sine = rope.magnitude * std::sin(angle);
                const double turned = a * cosine - b * sine;
                b = a * sine + b * cosine;
                a = turned;
            }
        }
    }
}

struct KeysValues {
    Matrix k, v;
};

KeysValues keys_values(const Matrix& x, const Weights& weights, const Layer& layer, const Rope& rope) {
    KeysValues kv{layer.k(x), {}};
    // Without a projection of their own, values are the keys as projected.
    kv.v = layer.v.weight.size() == 0 ? kv.k : layer.v(x);
    if (weights.is_value_normed) kv.v = apply_norm(kv.v, {Matrix::Ones(1, layer.head_dim), {}}, weights);
    kv.k = apply_norm(kv.k, layer.k_norm, weights);
    if (layer.is_rotated) rotate(kv.k, layer.head_dim, weights, rope);
    return kv;
}

Matrix attention(const Matrix& x, const KeysValues& kv, const Weights& weights, const Layer& layer, const Rope& rope) {
    const Index n_tokens = x.rows();
    const Index size = layer.head_dim;
    const Index group = weights.n_heads / (kv.k.cols() / size);  // query heads per key/value head
    Matrix q = layer.q(x);
    Matrix gates;
    if (layer.is_gated) {
        const Matrix both = q;
        q = gates = Matrix(n_tokens, weights.n_heads * size);
        for (Index head = 0; head < weights.n_heads; ++head) {
            q.middleCols(head * size, size) = both.middleCols(2 * head * size, size);
            gates.middleCols(head * size, size) = both.middleCols((2 * head + 1) * size, size);
        }
    }
    q = apply_norm(q, layer.q_norm, weights);
    if (layer.is_rotated) rotate(q, size, weights, rope);
    for (Index i = 0; weights.temperature != 0 && i < n_tokens; ++i) {
        q.row(i) *= 1 + weights.temperature * std::log1p(static_cast<double>(i / weights.temperature_context));
    }

    Matrix heads(n_tokens, weights.n_heads * size);
    for (Index head = 0; head < weights.n_heads; ++head) {
        const Index first = head / group * size;
        Matrix scores =
            q.middleCols(head * size, size) * kv.k.middleCols(first, size).transpose() * weights.attention_scale;
        for (Index i = 0; i < n_tokens; ++i) {
            for (Index j = 0; j < n_tokens; ++j) {
                const bool is_seen = weights.is_bidirectional ? layer.window == 0 || std::abs(i - j) <= layer.window / 2
                                                              : j <= i && (layer.window == 0 || i - j < layer.window);
                scores(i, j) = soft_cap(scores(i, j), weights.attention_cap);
                if (!is_seen) scores(i, j) = -std::numeric_limits<double>::infinity();
            }
            const bool has_sink = layer.sinks.size() != 0;
            const double top = std::max(scores.row(i).maxCoeff(), has_sink ? layer.sinks[head] : -HUGE_VAL);
            for (Index j = 0; j < n_tokens; ++j) scores(i, j) = std::exp(scores(i, j) - top);
            scores.row(i) /= scores.row(i).sum() + (has_sink ? std::exp(layer.sinks[head] - top) : 0);
        }
        heads.middleCols(head * size, size) = scores * kv.v.middleCols(first, size);
    }
    if (layer.is_gated) heads.array() /= 1 + (-gates.array()).exp();
    return layer.o(heads);
}

double silu(double x) { return x / (1 + std::exp(-x)); }

double gelu_tanh(double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); }

Matrix dense(const Matrix& x, const Weights& weights, const Layer& layer) {
    const auto activate = weights.is_exact_gelu ? &gelu : weights.is_gelu ? &gelu_tanh : &silu;
    if (layer.gate.weight.size() == 0) return layer.down(layer.up(x).unaryExpr(activate));
    Matrix gate = layer.gate(x);
    if (std::isfinite(layer.sparsity)) gate = sparsify(gate, layer.sparsity);
    gate = gate.unaryExpr(activate).eval();
    return layer.down(gate.cwiseProduct(layer.up(x)));
}

Matrix feed_forward(const Matrix& x, const Weights& weights, const Layer& layer) {
    const Matrix normed = apply_norm(x, layer.ffn_norm, weights);
    if (layer.experts.empty()) return dense(normed, weights, layer);
    if (layer.up.weight.size() == 0) return layer.experts(normed);
    const Matrix chosen = layer.experts(apply_norm(x, layer.experts_norm, weights), x);
    return apply_norm(dense(normed, weights, layer), layer.post_dense_norm, weights) +
           apply_norm(chosen, layer.post_experts_norm, weights);
}

}  // namespace

Model::Model(const std::string& path) : weights_(std::make_unique<const Weights>(load(path))) {}
Model::~Model() = default;

std::size_t Model::n_vocab() const { return static_cast<std::size_t>(weights_->token_embd.rows()); }

namespace {

// The final states of all tokens, normed.
Matrix final_states(const Weights& weights, std::span<const std::int32_t> tokens, std::uint32_t n_ctx) {
    const std::size_t context = n_ctx != 0 ? n_ctx : tokens.size();
    const bool is_long = weights.original_context != 0 && context > weights.original_context;
    const Rope& global = is_long ? weights.long_global : weights.global;
    const auto norm = [&](const Matrix& y, const Norm& by) { return apply_norm(y, by, weights); };

    Matrix x(static_cast<Index>(tokens.size()), weights.token_embd.cols());
    for (Index i = 0; i < x.rows(); ++i) {
        const Index token = tokens[static_cast<std::size_t>(i)];
        if (token < 0 || token >= weights.token_embd.rows()) throw std::runtime_error("reference: not a token");
        x.row(i) = weights.token_embd.row(token) * weights.embedding_scale;
        if (weights.token_types.size() != 0) x.row(i) += weights.token_types.row(0);
        if (weights.position_embd.size() != 0) x.row(i) += weights.position_embd.row(i);
    }
    x = norm(x, weights.embd_norm);
    const PerLayer& per_layer = *weights.per_layer;
    const AltUp& altup = *weights.altup;
    std::vector<Matrix> inputs;
    if (per_layer.exists()) inputs = per_layer.inputs({tokens.begin(), tokens.end()}, x);
    std::vector<Matrix> streams;
    if (altup.exists()) streams = altup.streams(x);
    std::vector<KeysValues> stored(weights.layers.size());
    for (std::size_t i = 0; i < weights.layers.size(); ++i) {
        const Layer& layer = weights.layers[i];
        const Rope& rope = layer.is_local ? weights.local : global;
        if (altup.exists()) {
            streams = altup.predict(i, streams);
            x = streams[altup.active()];
        }
        const Matrix normed = norm(x, layer.attn_norm);
        const auto source = static_cast<std::size_t>(layer.kv_layer);
        Matrix attended;
        if (layer.conv) {
            attended = (*layer.conv)(normed);
        } else if (layer.delta) {
            attended = (*layer.delta)(normed);
        } else if (layer.space) {
            attended = (*layer.space)(normed);
        } else if (!layer.latent.empty()) {
            attended = layer.latent(normed, rope.frequencies);
        } else {
            if (source == i) stored[i] = keys_values(normed, weights, layer, rope);
            attended = attention(normed, stored[source], weights, layer, rope);
        }
        attended = norm(attended, layer.post_attention_norm);
        Matrix sum = x + attended * weights.residual_scale;
        sum = norm(sum, layer.sum_norm_1);
        if (altup.exists()) sum = (sum + altup.laurel(i, normed)) / std::numbers::sqrt2;
        const Matrix& seen = layer.is_parallel ? x : sum;
        const Matrix forwarded = norm(feed_forward(seen, weights, layer), layer.post_ffw_norm);
        x = norm(sum + forwarded * weights.residual_scale, layer.sum_norm_2);
        if (altup.exists()) {
            streams = altup.correct(i, streams, x);
            const Matrix added = per_layer.addition(i, altup.scaled(i, streams[altup.active()]), inputs[i]);
            for (std::size_t j = 1; j < streams.size(); ++j) streams[j] += added;
        } else if (per_layer.exists()) {
            x += per_layer.addition(i, x, inputs[i]);
        }
        if (layer.output_scale.size() != 0) x *= layer.output_scale(0, 0);
    }
    if (altup.exists()) x = altup.mean(streams);
    return norm(x, weights.output_norm);
}

std::vector<float> floats(const Matrix& y) {
    std::vector<float> result(static_cast<std::size_t>(y.size()));
    std::transform(y.data(), y.data() + y.size(), result.begin(), [](double v) { return static_cast<float>(v); });
    return result;
}

}  // namespace

std::vector<float> Model::logits(std::span<const std::int32_t> tokens, std::uint32_t n_ctx) const {
    const Weights& weights = *weights_;
    Linear output = weights.output;
    if (output.weight.size() == 0) output.weight = weights.token_embd;
    Matrix y = output(final_states(weights, tokens, n_ctx)) * weights.logit_scale;
    y = y.unaryExpr([&](double v) { return soft_cap(v, weights.logit_cap); }).eval();
    return floats(y);
}

std::vector<float> Model::states(std::span<const std::int32_t> tokens) const {
    return floats(final_states(*weights_, tokens, 0));
}

InputSquares Model::input_squares(std::span<const std::int32_t> tokens) const {
    weights_->squares->sums.clear();
    final_states(*weights_, tokens, 0);
    return *weights_->squares;
}

std::vector<float> Model::vector(std::span<const std::int32_t> tokens) const {
    const Weights& weights = *weights_;
    const Matrix x = final_states(weights, tokens, 0);
    const bool is_rank = weights.pooling == 4;
    const bool takes_last = weights.pooling == 3 || (is_rank && !weights.is_bidirectional);
    Matrix y = takes_last ? x.bottomRows(1) : x.topRows(1);
    if (weights.pooling == 1) y = x.colwise().mean();
    if (!is_rank) {
        for (const Linear* dense : {&weights.dense_2, &weights.dense_3}) {
            if (dense->weight.size() != 0) y = (*dense)(y);
        }
        return floats(y);
    }
    if (weights.cls.weight.size() != 0) y = weights.cls(y).unaryExpr([](double v) { return std::tanh(v); }).eval();
    y = weights.cls_output(y);
    if (weights.is_probability) {
        y = (y.array() - y.maxCoeff()).exp().matrix().eval();
        y /= y.sum();
    }
    return floats(y);
}

std::vector<std::int32_t> Model::greedy(std::span<const std::int32_t> prompt, std::size_t n_tokens,
                                        std::uint32_t n_ctx) const {
    std::vector<std::int32_t> sequence(prompt.begin(), prompt.end());
    for (std::size_t i = 0; i < n_tokens; ++i) {
        const std::vector<float> all = logits(sequence, n_ctx);
        const auto last = all.end() - static_cast<std::ptrdiff_t>(n_vocab());
        sequence.push_back(static_cast<std::int32_t>(std::max_element(last, all.end()) - last));
    }
    return {sequence.begin() + static_cast<std::ptrdiff_t>(prompt.size()), sequence.end()};
}

}  // namespace reference
