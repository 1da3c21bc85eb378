// SPDX-License-Identifier: MIT
// Both formats of importance matrices are read, and damaged ones refused.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "quantize/importance.hpp"
#include "quantize/support.hpp"
#include "support/gguf_builder.hpp"

using namespace quantize_test;
using gguf_test::Builder;
using linnet::Error;
using linnet::Memory;
using linnet::Source;
using linnet::quantize::Importance;

namespace {

Importance read(const Bytes& bytes) {
    Memory memory;
    return Importance::read(Source::from_memory(bytes), memory);
}

std::string refusal(const Bytes& bytes) {
    try {
        read(bytes);
    } catch (const Error& error) {
        CHECK(error.status() == linnet::Status::bad_file);
        return error.what();
    }
    return "read";
}

// One matrix 'a' of 2 inputs, summed over 4 calls.
Bytes binary(float first = 2.0F) { return Builder().u32(1).u32(1).raw("a").u32(4).u32(2).put(first).put(8.0F).bytes(); }

struct Entry {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::vector<float> values;
};

Bytes gguf(const std::vector<Entry>& entries, std::string_view kind = "imatrix") {
    linnet::gguf::Writer writer("none");
    writer.add_string("general.type", kind);
    const std::vector<std::string> datasets = {"text.txt"};
    writer.add_strings("imatrix.datasets", datasets);
    writer.add_u32("imatrix.chunk_count", 12);
    for (const Entry& entry : entries) {
        writer.add_tensor(entry.name, type("F32"), entry.shape, [&](const linnet::gguf::Writer::Sink& sink) {
            sink(std::as_bytes(std::span(entry.values)));
        });
    }
    return writer.write_memory();
}

std::vector<float> values(const Importance& importance, std::string_view name) {
    const auto found = importance.find(name);
    return {found.begin(), found.end()};
}

}  // namespace

TEST_CASE("the binary format: sums over calls, and what they were collected from") {
    const Importance plain = read(binary());
    CHECK(plain.n_tensors() == 1);
    CHECK(values(plain, "a") == std::vector<float>{0.5F, 2.0F});
    CHECK(plain.find("b").empty());
    CHECK(plain.dataset().empty());

    Memory memory;
    const auto path = fixtures::local() / "quantize" / "importance.dat";  // read by llama-quantize as well
    const Importance fixture = Importance::read(Source::open_file(path.string(), false), memory);
    CHECK(fixture.n_tensors() == 3);
    CHECK(fixture.dataset() == "text.txt");
    CHECK(fixture.n_chunks() == 4);
    REQUIRE(fixture.find("blk.0.attn_v.weight").size() == 256);
    CHECK(fixture.find("blk.0.attn_v.weight")[5] == 10.0F);
    CHECK(fixture.find("blk.0.attn_v.weight")[1] == doctest::Approx(0.39));
}

TEST_CASE("the GGUF format: sums and counts of each matrix") {
    const Importance importance = read(gguf({{"a.in_sum2", {2, 2}, {2, 4, 6, 8}},
                                             {"a.counts", {1, 2}, {2, 0}},
                                             {"b.weight.in_sum2", {3}, {3, 6, 9}},
                                             {"b.weight.counts", {1}, {3}}}));
    CHECK(importance.n_tensors() == 2);
    CHECK(values(importance, "a") == std::vector<float>{1, 2, 1, 1});  // the second was never used
    CHECK(values(importance, "b.weight") == std::vector<float>{1, 2, 3});
    CHECK(importance.dataset() == "text.txt");
    CHECK(importance.n_chunks() == 12);
}

TEST_CASE("damaged files are refused") {
    const Bytes good = binary();
    for (std::size_t n = 0; n < good.size(); ++n) {
        CAPTURE(n);
        CHECK(refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))) != "read");
    }
    CHECK(refusal(good) == "read");
    CHECK(refusal(binary(-1.0F)) == "tensor 'a': -0.25 is no importance");
    CHECK(refusal(binary(std::numeric_limits<float>::infinity())) == "tensor 'a': inf is no importance");
    CHECK(refusal(Builder().u32(0xffffffffU).bytes()) ==
          "entry #0: -1 entries do not fit the file: it is no importance matrix");
    CHECK(refusal(Builder().u32(1).u32(1).raw("a").u32(1).u32(0x7fffffff).bytes()) ==
          "entry 'a': 2147483647 values do not fit the file: it is no importance matrix");
    const auto entry = [](Builder& b) -> Builder& { return b.u32(1).raw("a").u32(1).u32(1).put(1.0F); };
    Builder twice;
    twice.u32(2);
    CHECK(refusal(entry(entry(twice)).bytes()) == "tensor 'a': its importance is given twice");

    CHECK(refusal(gguf({}, "model")) == "key 'general.type' is not 'imatrix': the file holds no importance");
    CHECK(refusal(gguf({{"a.in_sum2", {2}, {1, 1}}})) == "tensor 'a': 1 counts of what was summed are missing");
    CHECK(refusal(gguf({{"a.in_sum2", {2, 2}, {1, 1, 1, 1}}, {"a.counts", {1}, {1}}})) ==
          "tensor 'a': 2 counts of what was summed are missing");
}

TEST_CASE("importance: of gates and ups of experts in one tensor or in two") {
    const auto of = [](const std::string& name) {
        return gguf({{name + ".in_sum2", {2, 2}, {2, 4, 9, 3}}, {name + ".counts", {1, 2}, {2, 3}}});
    };
    const auto check = [](const Importance& importance, std::string_view tensor) {
        const auto values = importance.find(tensor);
        CHECK(std::vector<float>(values.begin(), values.end()) == std::vector<float>{1, 2, 3, 1});
    };
    check(read(of("blk.1.ffn_gate_exps.weight")), "blk.1.ffn_gate_up_exps.weight");
    check(read(of("blk.1.ffn_gate_up_exps.weight")), "blk.1.ffn_gate_exps.weight");
    check(read(of("blk.1.ffn_gate_up_exps.weight")), "blk.1.ffn_up_exps.weight");
    CHECK(read(of("blk.1.ffn_gate_up_exps.weight")).find("blk.2.ffn_up_exps.weight").empty());
    CHECK(read(of("blk.1.ffn_gate_up_exps.weight")).find("blk.1.ffn_down_exps.weight").empty());
}
