// SPDX-License-Identifier: MIT
// Formats: decoding against the definitions that tests/reference has of its own, packing against decoding. A format
// that is added is covered without an edit here, but for its definition in tests/reference/weights.cpp.
#include <array>
#include <bit>
#include <string>

#include "gguf/writer.hpp"
#include "kernels/support.hpp"
#include "reference/weights.hpp"
#include "support/gguf_builder.hpp"

using namespace kernel_test;
namespace gguf = linnet::gguf;

namespace {

// The bytes as a tensor of one row in a file, decoded by the reference.
std::vector<double> reference_decode(const FormatInfo& f, const std::vector<std::byte>& bytes) {
    gguf::Writer writer("llama");
    const std::array<std::uint64_t, 1> shape = {bytes.size() / f.block_bytes * f.block_size};
    writer.add_tensor("t", static_cast<gguf::TensorType>(f.gguf_type), shape,
                      [&](const gguf::Writer::Sink& sink) { sink(bytes); });
    const auto file_bytes = writer.write_memory();
    linnet::Memory memory;
    const auto file = gguf_test::open(linnet::Source::from_memory(file_bytes), memory);
    const reference::Matrix matrix = reference::read_tensor(file, *file.find_tensor("t"));
    return {matrix.data(), matrix.data() + matrix.size()};
}

}  // namespace

TEST_CASE("formats: every one is found by its id in files, and no other") {
    std::size_t n = 0;
    for (std::uint32_t type = 0; type < 64; ++type) {
        const FormatInfo* f = linnet::kernels::find_format(type);
        if (f == nullptr) continue;
        ++n;
        CHECK(f->gguf_type == type);
        const gguf::TensorTypeInfo* known = gguf::find_type(static_cast<gguf::TensorType>(type));
        REQUIRE(known != nullptr);
        std::string lower(known->name);
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        CHECK(lower == f->name);
        CHECK(known->block_size == f->block_size);
        CHECK(known->block_bytes == f->block_bytes);
        CHECK((f->activations == Activations::f32) == (f->block_size == 1));
    }
    CHECK(n == kFormats);
    CHECK(linnet::kernels::find_format(~0U) == nullptr);
}

TEST_CASE("formats: decoding is the reference's definition, rounded once") {
    // Products of d, scale and quant have at most 24 bits, so that float has them exactly; the one addition of the
    // formats with a minimum rounds once, as does the conversion of the reference's exact double. Hence no tolerance.
    for (const FormatInfo& f : formats()) {
        CAPTURE(std::string(f.name));
        const BlockMaker maker(f);
        REQUIRE(maker.scales().empty() == (std::string_view(f.name) == "nvfp4"));  // whose bytes are all finite
        Random random(1);
        for (const Blocks kind : kAllBlocks) {
            CAPTURE(static_cast<int>(kind));
            const std::size_t n_blocks = f.block_size == 1 ? 500 : 40;
            const auto bytes = maker.row(kind, n_blocks, random);
            const auto expected = reference_decode(f, bytes);
            std::vector<Table> tables = simd_tables();
            tables.push_back(scalar());
            for (const Table& t : tables) {
                CAPTURE(std::string(t.isa));
                const Guarded<std::byte> blocks(bytes.size() + 1);  // at an odd address
                std::memcpy(blocks.data(), bytes.data(), bytes.size());
                const Guarded<float> y(n_blocks * f.block_size);
                t.decode[index(f)].fn(blocks.data(), y.size(), y.data());
                std::size_t n_wrong = 0;
                for (std::size_t i = 0; i < y.size(); ++i) {
                    if (y.data()[i] != static_cast<float>(expected[i])) ++n_wrong;
                }
                CHECK(n_wrong == 0);
                CHECK(y.front_untouched());
            }
        }
    }
}

TEST_CASE("formats: decoding is that of the Python package gguf 0.19, in hashes of its floats") {
    // Of 1000 blocks of the upper bytes of Random(1), so that the entries of all codebooks occur: FNV-1a over the
    // floats' bits, NaNs as 0x7fc00000, zeros without sign. From gguf.quants.dequantize().
    struct Hash {
        const char* format;
        std::uint64_t value;
    };
    constexpr Hash kHashes[] = {
        {"q4_0", 0x340f4e671bca8725U},   {"q4_1", 0x6e8e8831e1df24e9U},    {"q5_0", 0x661f480eb121e525U},
        {"q5_1", 0xa9249cb603b435c4U},   {"q8_0", 0xd9ddedfe97303da5U},    {"q2_k", 0x73e08b1e92400e15U},
        {"q3_k", 0xd3500c15236e6a25U},   {"q4_k", 0x2e06eb353bc4b45eU},    {"q5_k", 0x201003195266e987U},
        {"q6_k", 0x4b4d49140299edadU},   {"iq1_m", 0xa84cd8439556b645U},   {"iq1_s", 0x31e63ab482aac9a5U},
        {"iq2_s", 0xdd5be402fc3da7f1U},  {"iq2_xs", 0x4126bfecd7234899U},  {"iq2_xxs", 0xdbeda43c31eeb339U},
        {"iq3_s", 0xc91ee5817af5eee5U},  {"iq3_xxs", 0xca31aa29b6acd8c5U}, {"iq4_nl", 0xd9ab70bd09e624a5U},
        {"iq4_xs", 0x1285d3474d04779dU}, {"nvfp4", 0xdbfb1420a228ab25U},   {"mxfp4", 0x83c84672480f6725U},
        {"tq1_0", 0x7032d1c9acb2c325U},  {"tq2_0", 0x6ad12707c749a325U},
    };
    for (const FormatInfo& f : formats()) {
        if (f.block_size == 1) continue;
        CAPTURE(std::string(f.name));
        const auto* expected = std::find_if(std::begin(kHashes), std::end(kHashes),
                                            [&](const Hash& h) { return std::string_view(h.format) == f.name; });
        REQUIRE(expected != std::end(kHashes));
        Random random(1);
        std::vector<std::byte> blocks(1000 * f.block_bytes);
        random.bytes(blocks);
        std::vector<float> y(1000 * f.block_size);
        scalar().decode[index(f)].fn(blocks.data(), y.size(), y.data());
        std::uint64_t hash = 0xcbf29ce484222325U;
        for (const float value : y) {
            const auto bits = std::isnan(value) ? 0x7fc00000U
                              : value == 0.0F   ? 0U
                                                : std::bit_cast<std::uint32_t>(value);
            hash = (hash ^ bits) * 0x100000001b3U;
        }
        CHECK(hash == expected->value);
    }
}

TEST_CASE("formats: a packed row reads back as it decodes, for any number of rows") {
    for (const FormatInfo& f : formats()) {
        CAPTURE(std::string(f.name));
        const BlockMaker maker(f);
        Random random(2);
        std::vector<Table> tables = simd_tables();
        tables.push_back(scalar());
        for (const std::size_t n_blocks : Sizes{1, 2, 3, 8}) {
            const std::size_t n_in = n_blocks * f.block_size;
            const std::size_t row_bytes = linnet::kernels::row_bytes(f, n_in);
            REQUIRE(linnet::kernels::tile_bytes(f, n_in) == 16 * row_bytes);
            for (std::size_t n_rows = 1; n_rows <= 16; ++n_rows) {
                CAPTURE(n_rows);
                std::vector<std::byte> rows;
                for (std::size_t r = 0; r < n_rows; ++r) {
                    const auto row = maker.row(kAllBlocks[r % 2 == 0 ? 0 : r / 2 % 7], n_blocks, random);
                    rows.insert(rows.end(), row.begin(), row.end());
                }
                std::vector<std::byte> packed;
                for (const Table& t : tables) {
                    CAPTURE(std::string(t.isa));
                    // Rows lie at any address in a mapped buffer: an odd one here, as one byte follows them.
                    const Guarded<std::byte> file(rows.size() + n_rows % 2);
                    std::memcpy(file.data(), rows.data(), rows.size());
                    const Guarded<std::byte> tile(16 * row_bytes);
                    t.pack[index(f)].fn({file.data(), n_rows, n_in, tile.data()});
                    CHECK(tile.front_untouched());
                    if (packed.empty()) packed = tile.copy();
                    CHECK(tile.copy() == packed);  // one layout for all instruction sets
                    for (std::size_t r = 0; r < 16; ++r) {
                        std::vector<float> expected(n_in);
                        const std::size_t source = std::min(r, n_rows - 1);
                        scalar().decode[index(f)].fn(rows.data() + source * row_bytes, n_in, expected.data());
                        const Guarded<float> y(n_in);
                        t.read_row[index(f)].fn(tile.data(), r, n_in, y.data());
                        CHECK(same(y.span(), expected));
                        CHECK(y.front_untouched());
                    }
                }
            }
        }
    }
}
