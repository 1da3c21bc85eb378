// SPDX-License-Identifier: MIT
// Tensors as streams: the same bytes for any number of threads, piece and way of reading; what cannot be converted is
// refused by name.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "quantize/convert.hpp"
#include "quantize/encode.hpp"
#include "quantize/support.hpp"
#include "support/temporary.hpp"

using namespace quantize_test;
using linnet::Error;
using linnet::Memory;
using linnet::Status;
using linnet::Workers;
using linnet::quantize::Conversion;
using linnet::quantize::convert;

namespace {

Bytes converted(const Conversion& conversion, std::uint32_t n_threads) {
    Memory memory;
    Workers workers(n_threads, nullptr, nullptr, memory);
    Bytes result;
    convert(conversion, scalar_table(), workers, memory,
            [&](std::span<const std::byte> bytes) { result.insert(result.end(), bytes.begin(), bytes.end()); });
    CHECK(result.size() == linnet::quantize::converted_size(conversion));
    return result;
}

void add_f32(linnet::gguf::Writer& writer, std::string_view name, std::vector<std::uint64_t> shape,
             std::vector<float> values) {
    writer.add_tensor(name, type("F32"), shape, [values = std::move(values)](const linnet::gguf::Writer::Sink& sink) {
        sink(std::as_bytes(std::span(values)));
    });
}

std::string refusal(const std::function<void()>& call, Status expected) {
    try {
        call();
    } catch (const Error& error) {
        CHECK(static_cast<int>(error.status()) == static_cast<int>(expected));
        return error.what();
    }
    return "not refused";
}

}  // namespace

TEST_CASE("neither threads nor pieces nor the way of reading change a byte") {
    constexpr std::uint64_t kIn = 512;
    constexpr std::uint64_t kOut = 1201;  // more than one piece of 2 MB, and no multiple of a task's rows
    linnet::gguf::Writer writer("test");
    add_f32(writer, "t.weight", {kIn, kOut}, random_floats(kIn * kOut, 17));
    const Temporary folder;
    const std::string path = folder.path("model.gguf");
    writer.write_file(path);
    Memory memory;
    const File mapped = File::open(path, true, memory);
    const File read = File::open(path, false, memory);
    const std::vector<float> x = tensor_floats(mapped, "t.weight");
    for (const std::string_view name : {"Q4_0", "Q5_K", "IQ4_XS", "BF16"}) {
        CAPTURE(std::string(name));
        const Conversion conversion{mapped, mapped.tensors()[0], type(name), {}};
        const Bytes one = converted(conversion, 1);
        CHECK(converted(conversion, 3) == one);
        CHECK(converted({read, read.tensors()[0], type(name), {}}, 2) == one);
        Bytes whole(one.size());
        linnet::quantize::find_encoder(type(name))->encode(x.data(), nullptr, x.size(), whole.data());
        CHECK(whole == one);
    }
    const auto* data = mapped.tensor_data(mapped.tensors()[0]);
    CHECK(converted({read, read.tensors()[0], type("F32"), {}}, 2) == Bytes(data, data + kIn * kOut * 4));
}

TEST_CASE("each matrix of a tensor has its own importance") {
    constexpr std::size_t kIn = 32;
    const std::vector<float> row = random_floats(kIn, 4);
    std::vector<float> values;
    for (int i = 0; i < 6; ++i) values.insert(values.end(), row.begin(), row.end());
    linnet::gguf::Writer writer("test");
    add_f32(writer, "experts.weight", {kIn, 2, 3}, values);
    const Bytes bytes = writer.write_memory();
    Memory memory;
    const File file = open(bytes, memory);
    // The same row six times: of two that differ in importance only, each is better by its own measure.
    std::vector<float> importance(3 * kIn, 1.0F);
    for (std::size_t k = 0; k < 8; ++k) importance[kIn + k] = 1000.0F;
    const Bytes blocks = converted({file, file.tensors()[0], type("Q4_0"), importance}, 2);
    const auto block = [&](std::size_t r) {
        return Bytes(blocks.begin() + static_cast<int>(18 * r), blocks.begin() + static_cast<int>(18 * (r + 1)));
    };
    CHECK(block(0) == block(1));
    CHECK(block(2) == block(3));
    CHECK(block(0) == block(4));
    CHECK(block(0) != block(2));
    const auto error = [&](std::size_t r) {
        return squared_error(row, decode(type("Q4_0"), block(r).data(), kIn), std::span(importance).subspan(kIn, kIn));
    };
    CHECK(error(2) < error(0));
    // Nothing is known: as if all were equal. An input that was never used may cost nothing, but stays finite.
    CHECK(converted({file, file.tensors()[0], type("Q4_0"), std::vector<float>(3 * kIn, 0.0F)}, 1) ==
          converted({file, file.tensors()[0], type("Q4_0"), {}}, 1));
}

TEST_CASE("what cannot be converted is refused by the tensor's name") {
    linnet::gguf::Writer writer("test");
    std::vector<float> values = random_floats(32 * 40, 8);
    add_f32(writer, "good.weight", {32, 40}, values);
    values[32 * 39 + 7] = 65536.0F;
    add_f32(writer, "large.weight", {32, 40}, values);
    values[32 * 9 + 3] = std::numeric_limits<float>::quiet_NaN();
    values[32 * 9 + 5] = std::numeric_limits<float>::infinity();
    add_f32(writer, "nan.weight", {32, 40}, values);
    const std::uint64_t shape[] = {32, 2};
    writer.add_tensor("numbers.weight", type("I32"), shape,
                      [](const linnet::gguf::Writer::Sink& sink) { sink(Bytes(256)); });
    const Bytes bytes = writer.write_memory();
    Memory memory;
    const File file = open(bytes, memory);
    const auto refused = [&](std::size_t tensor, std::string_view to, std::size_t n_importance, Status status) {
        const std::vector<float> importance(n_importance, 1.0F);
        return refusal([&] { converted({file, file.tensors()[tensor], type(to), importance}, 2); }, status);
    };
    CHECK(refused(1, "Q4_0", 0, Status::bad_file) ==
          "tensor 'large.weight': weight 7 of row 39 is 65536, which Q4_0 cannot hold");
    CHECK(refused(1, "F16", 0, Status::bad_file) ==
          "tensor 'large.weight': weight 7 of row 39 is 65536, which F16 cannot hold");
    CHECK(refused(2, "Q8_0", 0, Status::bad_file) ==
          "tensor 'nan.weight': weight 3 of row 9 is nan, which Q8_0 cannot hold");
    CHECK(refused(3, "Q8_0", 0, Status::unsupported) ==
          "tensor 'numbers.weight': cannot be converted from I32 to Q8_0");
    CHECK(refused(0, "TQ1_0", 0, Status::unsupported) == "tensor 'good.weight': cannot be converted from F32 to TQ1_0");
    CHECK(refused(0, "Q8_0", 31, Status::bad_file) ==
          "tensor 'good.weight': there are 31 values of importance for 1 x 32 inputs");
    CHECK(converted({file, file.tensors()[1], type("BF16"), {}}, 2).size() == 32 * 40 * 2);
}

TEST_CASE("a weight that does not fit is found in any piece, the first one in any order of work") {
    constexpr std::size_t kIn = 1024;
    constexpr std::size_t kOut = 1000;  // two pieces of 2 MB
    std::vector<float> values(kIn * kOut, 0.5F);
    for (const std::size_t row : {999U, 700U, 701U, 800U}) values[kIn * row + 9] = 70000.0F;
    linnet::gguf::Writer writer("test");
    add_f32(writer, "t.weight", {kIn, kOut}, values);
    const Bytes bytes = writer.write_memory();
    Memory memory;
    const File file = open(bytes, memory);
    for (const std::uint32_t n_threads : {1U, 3U}) {
        CHECK(refusal(
                  [&] {
                      converted({file, file.tensors()[0], type("Q4_0"), {}}, n_threads);
                  },
                  Status::bad_file) == "tensor 't.weight': weight 9 of row 700 is 70000, which Q4_0 cannot hold");
    }
}

TEST_CASE("what the receiver throws passes through") {
    linnet::gguf::Writer writer("test");
    add_f32(writer, "t.weight", {32, 2}, std::vector<float>(64, 1.0F));
    const Bytes bytes = writer.write_memory();
    Memory memory;
    const File file = open(bytes, memory);
    Workers workers(2, nullptr, nullptr, memory);
    for (const std::string_view to : {"F32", "Q8_0"}) {
        const auto stop = [](std::span<const std::byte>) { throw Error(Status::cancelled, "enough"); };
        CHECK(refusal(
                  [&] {
                      convert({file, file.tensors()[0], type(to), {}}, scalar_table(), workers, memory, stop);
                  },
                  Status::cancelled) == "enough");
    }
}
