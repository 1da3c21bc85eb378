// SPDX-License-Identifier: MIT
// Recipes choose what llama-quantize chooses (tests/fixtures/quantize/choices.txt), and overrides come before them.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "quantize/recipe.hpp"
#include "quantize/support.hpp"

using namespace quantize_test;
using linnet::Memory;
using linnet::quantize::choose_types;
using linnet::quantize::Override;
using linnet::quantize::Recipe;

namespace {

struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::vector<std::string> choices;  // per column
};

struct Model {
    std::string name;
    std::string arch;
    std::vector<std::pair<std::string, std::uint32_t>> numbers;
    std::vector<Tensor> tensors;

    Bytes bytes() const {
        linnet::gguf::Writer writer(arch);
        for (const auto& [key, value] : numbers) writer.add_u32(arch + "." + key, value);
        for (const Tensor& tensor : tensors) {
            writer.add_tensor(tensor.name, type("F32"), tensor.shape, [&](const linnet::gguf::Writer::Sink& sink) {
                std::size_t size = 4;
                for (const std::uint64_t n : tensor.shape) size *= static_cast<std::size_t>(n);
                sink(Bytes(size));
            });
        }
        return writer.write_memory();
    }
};

struct Choices {
    std::vector<std::string> columns;
    std::vector<Model> models;
};

Choices read_choices() {
    Choices result;
    for (auto& line : fixture_lines("choices.txt")) {
        std::string word;
        line >> word;
        if (word == "columns") {
            while (line >> word) result.columns.push_back(word);
        } else if (word == "model") {
            result.models.emplace_back();
            std::getline(line >> std::ws, result.models.back().name);
        } else if (word == "key") {
            std::string value;
            line >> word >> value;
            if (word == "arch") {
                result.models.back().arch = value;
            } else if (value.find_first_not_of("0123456789") == value.npos) {
                result.models.back().numbers.emplace_back(word, std::stoul(value));
            }
        } else {
            Tensor tensor;
            std::string shape;
            line >> tensor.name >> shape;
            std::replace(shape.begin(), shape.end(), 'x', ' ');
            std::istringstream dimensions(shape);
            for (std::uint64_t n = 0; dimensions >> n;) tensor.shape.push_back(n);
            while (line >> word) tensor.choices.push_back(word);
            REQUIRE(tensor.choices.size() == result.columns.size());
            result.models.back().tensors.push_back(tensor);
        }
    }
    return result;
}

const Recipe& recipe(std::string_view name) {
    for (const Recipe& entry : linnet::quantize::recipes()) {
        if (entry.name == name) return entry;
    }
    throw std::runtime_error("no recipe " + std::string(name));
}

std::string chosen(const File& file, std::string_view tensor, const std::vector<Override>& overrides) {
    Memory memory;
    const auto types = choose_types(file, recipe("Q4_K_M"), overrides, false, memory);
    const auto index = static_cast<std::size_t>(file.find_tensor(tensor) - file.tensors().data());
    return std::string(linnet::gguf::find_type(types[index])->name);
}

}  // namespace

TEST_CASE("every recipe chooses what llama-quantize does") {
    const Choices choices = read_choices();
    CHECK(choices.models.size() == 7);
    CHECK(choices.columns.size() == 19);
    for (const Model& model : choices.models) {
        Memory memory;
        const Bytes bytes = model.bytes();
        const File file = open(bytes, memory);
        for (std::size_t c = 0; c < choices.columns.size(); ++c) {
            const bool weighted = choices.columns[c].ends_with('*');
            const std::string name = choices.columns[c].substr(0, choices.columns[c].size() - (weighted ? 1 : 0));
            const auto types = choose_types(file, recipe(name), {}, weighted, memory);
            for (std::size_t i = 0; i < types.size(); ++i) {
                CAPTURE(model.name);
                CAPTURE(choices.columns[c]);
                CAPTURE(model.tensors[i].name);
                CHECK(linnet::gguf::find_type(types[i])->name == model.tensors[i].choices[c]);
            }
        }
    }
}

TEST_CASE("overrides: the first that matches decides, what is not quantised stays, one without effect is refused") {
    const Choices choices = read_choices();
    Memory memory;
    const Bytes bytes = choices.models[0].bytes();
    const File file = open(bytes, memory);
    const std::vector<Override> overrides = {
        {"blk.1.attn_v.weight", "F16"}, {"*.attn_?.weight", "Q8_0"}, {"*", "Q5_0"}, {"*.ffn_down.*", "Q6_K"}};
    CHECK(chosen(file, "blk.1.attn_v.weight", overrides) == "F16");
    CHECK(chosen(file, "blk.2.attn_v.weight", overrides) == "Q8_0");
    CHECK(chosen(file, "blk.2.attn_output.weight", overrides) == "Q5_0");
    CHECK(chosen(file, "blk.2.ffn_down.weight", overrides) == "Q5_0");
    CHECK(chosen(file, "output.weight", overrides) == "Q5_0");
    CHECK(chosen(file, "blk.2.attn_norm.weight", overrides) == "F32");

    for (const std::string pattern : {"attn_v", "*.attn_norm.weight", "blk.9.*", ""}) {
        std::string message;
        try {
            chosen(file, "output.weight", {{pattern, "Q8_0"}});
        } catch (const linnet::Error& error) {
            message = error.what();
        }
        CHECK(message == "'" + pattern + "=Q8_0' matches no tensor that is quantised");
    }
}

TEST_CASE("patterns") {
    const auto matches = [](std::string pattern, std::string_view name) {
        return Override{std::move(pattern), "Q8_0"}.matches(name);
    };
    CHECK(matches("a.b", "a.b"));
    CHECK(!matches("a.b", "a.bc"));
    CHECK(!matches("a.b", "xa.b"));
    CHECK(matches("*", ""));
    CHECK(matches("**", "abc"));
    CHECK(matches("a*c", "abbc"));
    CHECK(matches("*ab*ab", "abaabab"));
    CHECK(!matches("a*c", "abbd"));
    CHECK(matches("a?c", "abc"));
    CHECK(!matches("a?c", "ac"));
    CHECK(!matches("", "a"));
    CHECK(!matches("*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}
