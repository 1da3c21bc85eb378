// SPDX-License-Identifier: MIT
#include "quantize/recipe.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "gguf/values.hpp"

namespace linnet::quantize {

namespace {

struct KindName {
    std::string_view part;  // of a tensor's name
    Kind kind;
};
constexpr KindName kKinds[] = {
    {"attn_v.weight", Kind::values},
    {"attn_qkv.weight", Kind::values},
    {"attn_kv_b.weight", Kind::values},
    {"attn_k.weight", Kind::keys},
    {"attn_output.weight", Kind::attention_output},
    {"ffn_down", Kind::down},
};

constexpr Rule kWeighted4[] = {{Kind::down, Layers::first_eighth, When::weighted, "Q4_1"}};
constexpr Rule kWeighted5[] = {{Kind::down, Layers::first_eighth, When::weighted, "Q5_1"}};
constexpr Rule kSmall4[] = {{Kind::attention_output, Layers::all, When::eight_experts, "Q5_K"},
                            {Kind::values, Layers::first_four, When::always, "Q5_K"},
                            {Kind::down, Layers::first_eighth, When::always, "Q5_K"}};
constexpr Rule kMedium4[] = {{Kind::attention_output, Layers::all, When::eight_experts, "Q5_K"},
                             {Kind::values, Layers::more_bits, When::always, "Q6_K"},
                             {Kind::down, Layers::more_bits, When::always, "Q6_K"}};
constexpr Rule kMedium5[] = {{Kind::values, Layers::more_bits, When::always, "Q6_K"},
                             {Kind::down, Layers::more_bits, When::always, "Q6_K"}};
constexpr Rule kCodebooks[] = {{Kind::attention_output, Layers::all, When::eight_experts, "Q5_K"},
                               {Kind::values, Layers::all, When::grouped, "Q5_K"},
                               {Kind::down, Layers::first_eighth, When::plain, "Q5_K"}};

constexpr Recipe kRecipes[] = {
    {"F32", 0, "F32", {}},
    {"F16", 1, "F16", {}},
    {"BF16", 32, "BF16", {}},
    {"Q8_0", 7, "Q8_0", {}},
    {"Q4_0", 2, "Q4_0", kWeighted4},
    {"Q4_1", 3, "Q4_1", {}},
    {"Q5_0", 8, "Q5_0", kWeighted5},
    {"Q5_1", 9, "Q5_1", {}},
    {"Q4_K_S", 14, "Q4_K", kSmall4},
    {"Q4_K_M", 15, "Q4_K", kMedium4},
    {"Q5_K_S", 16, "Q5_K", {}},
    {"Q5_K_M", 17, "Q5_K", kMedium5},
    {"Q6_K", 18, "Q6_K", {}},
    {"IQ4_NL", 25, "IQ4_NL", kCodebooks},
    {"IQ4_XS", 30, "IQ4_XS", kCodebooks},
};

// Before the rules of every recipe but those of floats: with 8 experts these are small beside the rest.
constexpr Rule kEightExperts[] = {{Kind::values, Layers::all, When::eight_experts, "Q8_0"},
                                  {Kind::keys, Layers::all, When::eight_experts, "Q8_0"}};
// The output matrix (or the embedding that serves as such) in recipes with fewer bits.
constexpr std::string_view kOutputType = "Q6_K";

// What takes the place of a type whose blocks do not fit a row; in turn, until one does.
struct Narrower {
    std::string_view type;
    std::string_view instead;
};
constexpr Narrower kNarrower[] = {
    {"Q4_K", "Q5_0"}, {"Q5_K", "Q5_1"}, {"Q6_K", "Q8_0"}, {"IQ4_XS", "IQ4_NL"}, {"Q4_0", "F16"},
    {"Q4_1", "F16"},  {"Q5_0", "F16"},  {"Q5_1", "F16"},  {"Q8_0", "F16"},      {"IQ4_NL", "F16"},
};

// Parts of names of tensors that stay as they are, whatever their shape.
constexpr std::string_view kKept[] = {
    "_norm.weight", "ffn_gate_inp.weight", "altup",           "laurel",    "per_layer_model_proj", "position_embd",
    "token_types",  "ssm_conv1d",          "shortconv.conv.", "time_mix_", "attn_rel_b.weight",    "pos_embd",
};

bool contains(std::string_view text, std::string_view part) noexcept { return text.find(part) != text.npos; }

Kind kind_of(std::string_view name) noexcept {
    for (const KindName& entry : kKinds) {
        if (contains(name, entry.part)) return entry.kind;
    }
    return Kind::other;
}

const gguf::TensorTypeInfo& named(std::string_view type) noexcept { return *gguf::find_type(type); }

// N of "blk.N.", if the name begins so.
std::optional<std::uint32_t> layer_of(std::string_view name) noexcept {
    constexpr std::string_view kPrefix = "blk.";
    if (!name.starts_with(kPrefix)) return std::nullopt;
    std::uint32_t layer = 0;
    std::size_t i = kPrefix.size();
    for (; i < name.size() && name[i] >= '0' && name[i] <= '9' && i < kPrefix.size() + 6; ++i) {
        layer = layer * 10 + static_cast<std::uint32_t>(name[i] - '0');
    }
    if (i == kPrefix.size() || i == name.size() || name[i] != '.') return std::nullopt;
    return layer;
}

// What rules ask of a model.
struct Facts {
    bool has_importance;
    bool tied;  // there is no output matrix
    std::uint32_t n_layers;
    std::uint32_t n_experts;
    std::uint32_t n_sharing;            // heads per KV head
    std::vector<std::uint32_t> values;  // layers that have a matrix of values, ascending
    std::vector<std::uint32_t> down;    // the same of ffn_down
};

// A number, or the first one of an array of numbers per layer.
std::uint32_t first_number(const gguf::File& file, std::string_view key, Memory& memory) {
    const gguf::Value* value = file.find(key);
    if (value == nullptr) return 0;
    if (value->type != gguf::ValueType::array) return gguf::get<std::uint32_t>(*value);
    const auto numbers = gguf::get_array<std::int32_t>(*value, memory);
    return numbers.empty() || numbers[0] < 0 ? 0 : static_cast<std::uint32_t>(numbers[0]);
}

Facts find_facts(const gguf::File& file, bool has_importance, Memory& memory) {
    const std::string arch(file.string("general.architecture").value_or(""));
    const auto number = [&](std::string_view key) {
        return first_number(file, format_text("{}.{}", arch, key), memory);
    };
    Facts facts{};
    facts.has_importance = has_importance;
    facts.tied = file.find_tensor("output.weight") == nullptr;
    facts.n_experts = number("expert_count");
    const std::uint32_t n_kv_heads = number("attention.head_count_kv");
    facts.n_sharing = n_kv_heads == 0 ? 0 : number("attention.head_count") / n_kv_heads;
    facts.n_layers = number("block_count");
    for (const gguf::TensorInfo& tensor : file.tensors()) {
        const auto layer = layer_of(tensor.name);
        if (!layer) continue;
        const Kind kind = kind_of(tensor.name);
        if (kind == Kind::values) facts.values.push_back(*layer);
        if (kind == Kind::down) facts.down.push_back(*layer);
    }
    std::sort(facts.values.begin(), facts.values.end());
    std::sort(facts.down.begin(), facts.down.end());
    return facts;
}

bool holds(When when, const Facts& facts) noexcept {
    switch (when) {
        case When::plain: return !facts.has_importance;
        case When::weighted: return facts.has_importance;
        case When::grouped: return facts.n_sharing >= 4;
        case When::eight_experts: return facts.n_experts == 8;
        default: return true;
    }
}

bool holds(Layers layers, std::uint32_t i, std::uint32_t n) noexcept {
    switch (layers) {
        case Layers::first_four: return i < 4;
        case Layers::first_eighth: return i < n / 8;
        case Layers::more_bits: return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
        default: return true;
    }
}

// Layers count as those that have such a tensor; layers of experts, which may lack it, by their own number.
bool holds(const Rule& rule, std::string_view name, const Facts& facts) noexcept {
    if (kind_of(name) != rule.kind || !holds(rule.when, facts)) return false;
    const std::uint32_t layer = layer_of(name).value_or(0);
    const auto rank = [&](const std::vector<std::uint32_t>& layers) {
        return static_cast<std::uint32_t>(std::lower_bound(layers.begin(), layers.end(), layer) - layers.begin());
    };
    if (rule.kind == Kind::values) {
        return holds(rule.layers, rank(facts.values), static_cast<std::uint32_t>(facts.values.size()));
    }
    return holds(rule.layers, facts.n_experts > 1 ? layer : rank(facts.down), facts.n_layers);
}

std::string_view by_recipe(const Recipe& recipe, std::string_view name, const Facts& facts) noexcept {
    if (named(recipe.base).block_size == 1) return recipe.base;
    if (name == "output.weight" || (facts.tied && name == "token_embd.weight")) {
        return recipe.base == "Q8_0" ? recipe.base : kOutputType;
    }
    for (const std::span<const Rule> rules : {std::span<const Rule>(kEightExperts), recipe.rules}) {
        for (const Rule& rule : rules) {
            if (holds(rule, name, facts)) return rule.type;
        }
    }
    return recipe.base;
}

std::string_view fitting(std::string_view type, std::uint64_t n_in) noexcept {
    for (const Narrower& narrower : kNarrower) {
        if (type == narrower.type && n_in % named(type).block_size != 0) type = narrower.instead;
    }
    return type;
}

}  // namespace

std::span<const Recipe> recipes() noexcept { return kRecipes; }

// Greedy: after a mismatch the last '*' takes one character more. Linear in memory, at most |pattern| * |name| steps.
bool Override::matches(std::string_view name) const noexcept {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool is_quantisable(const gguf::TensorInfo& tensor) noexcept {
    if (!tensor.name.ends_with("weight") || tensor.n_elements == tensor.shape[0]) return false;
    return std::none_of(std::begin(kKept), std::end(kKept),
                        [&](std::string_view part) { return contains(tensor.name, part); });
}

std::vector<gguf::TensorType> choose_types(const gguf::File& file, const Recipe& recipe,
                                           std::span<const Override> overrides, bool has_importance, Memory& memory) {
    const Facts facts = find_facts(file, has_importance, memory);
    std::vector<bool> used(overrides.size(), false);
    std::vector<gguf::TensorType> types;
    types.reserve(file.tensors().size());
    for (const gguf::TensorInfo& tensor : file.tensors()) {
        if (!is_quantisable(tensor)) {
            types.push_back(tensor.type);
            continue;
        }
        std::string_view type;
        for (std::size_t i = 0; i < overrides.size(); ++i) {
            if (!overrides[i].matches(tensor.name)) continue;
            used[i] = true;
            if (type.empty()) type = overrides[i].type;
        }
        if (type.empty()) type = by_recipe(recipe, tensor.name, facts);
        types.push_back(named(fitting(type, tensor.shape[0])).type);
    }
    const auto unused = std::find(used.begin(), used.end(), false);
    if (unused != used.end()) {
        const Override& entry = overrides[static_cast<std::size_t>(unused - used.begin())];
        throw Error(Status::invalid_argument, "'{}={}' matches no tensor that is quantised", entry.pattern, entry.type);
    }
    return types;
}

}  // namespace linnet::quantize
