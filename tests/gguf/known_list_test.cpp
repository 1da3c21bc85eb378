// SPDX-License-Identifier: MIT
// The list of hand-made files that llama.cpp's tests/test-gguf.cpp goes through, by its names, rebuilt here; each with
// its own status. Where Linnet is stricter by intent the case says so.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/gguf_outcome.hpp"

using namespace gguf_test;
using linnet::Status;

namespace {

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kI8 = 24;
constexpr std::uint32_t kI64 = 27;

// A file with two values and two tensors of 64 bytes; a case changes one thing of it.
struct Recipe {
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::uint64_t n_tensors = 2;
    std::uint64_t n_values = 2;
    std::uint64_t key_size = 8;  // as the file says
    std::string key = "my_key_0";
    std::string second_key = "my_key_1";
    std::uint32_t value_type = 4;
    bool has_alignment = false;  // instead of the second key
    std::uint32_t alignment_type = 4;
    std::uint32_t alignment = 32;  // as the file says
    std::string name = "my_tensor_0";
    std::string second_name = "my_tensor_1";
    std::uint32_t n_dims = 1;
    std::vector<std::uint64_t> shape = {16};
    std::uint32_t type = kF32;
    std::uint64_t offset = 0;
    std::uint64_t second_offset = 64;
    std::size_t padding = 32;
    std::size_t data = 128;

    Bytes bytes() const {
        Builder file;
        file.raw(magic).u32(version).u64(n_tensors).u64(n_values);
        file.u64(key_size).raw(key).u32(value_type).u32(5);
        if (has_alignment) {
            file.string("general.alignment").u32(alignment_type).u32(alignment);
        } else {
            file.text(second_key, "text");
        }
        file.string(name).u32(n_dims);
        for (const std::uint64_t n : shape) file.u64(n);
        file.u32(type).u64(offset);
        file.tensor(second_name, {16}, kF32, second_offset);
        return file.pad(padding).zeros(data);
    }
};

}  // namespace

TEST_CASE("test-gguf: HEADER_*") {
    Recipe file;
    SUBCASE("BAD_MAGIC") {
        file.magic = "FUGG";
        CHECK_REFUSED(file.bytes(), Status::bad_file, "not a GGUF file");
    }
    SUBCASE("BAD_VERSION_0") {
        file.version = 0;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "version is 0");
    }
    SUBCASE("BAD_VERSION_1") {
        file.version = 1;
        CHECK_REFUSED(file.bytes(), Status::unsupported, "version 1");
    }
    SUBCASE("BAD_VERSION_FUTURE") {
        file.version = 4;
        CHECK_REFUSED(file.bytes(), Status::unsupported, "version 4");
    }
    SUBCASE("BAD_N_TENSORS") {
        file.n_tensors = UINT64_MAX;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "18446744073709551615 tensors");
    }
    SUBCASE("BAD_N_KV") {
        file.n_values = UINT64_MAX;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "18446744073709551615 metadata values");
    }
    SUBCASE("EMPTY") { CHECK_OPENS(Builder().header(0, 0)); }
}

TEST_CASE("test-gguf: KV_*") {
    Recipe file;
    SUBCASE("BAD_KEY_SIZE") {
        file.key_size = UINT64_MAX;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key #0: 18446744073709551615 bytes");
    }
    SUBCASE("EMPTY_KEY") {
        file.key_size = 0;
        file.key = "";
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key #0 has an empty name");
    }
    SUBCASE("BAD_TYPE") {
        file.value_type = 13;
        CHECK_REFUSED(file.bytes(), Status::unsupported, "key 'my_key_0' has the unknown value type 13");
    }
    SUBCASE("DUPLICATE_KEY") {
        file.second_key = file.key;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key 'my_key_0' is there twice");
    }
    SUBCASE("BAD_ALIGN") {
        file.has_alignment = true;
        file.alignment = 13;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key 'general.alignment' is 13");
    }
    SUBCASE("WRONG_TYPE_ALIGN") {
        file.has_alignment = true;
        file.alignment_type = 5;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key 'general.alignment' is i32, expected u32");
    }
    SUBCASE("SUCCESS") { CHECK_OPENS(file.bytes()); }
}

TEST_CASE("test-gguf: TENSORS_*") {
    Recipe file;
    SUBCASE("BAD_NAME_SIZE") {
        file.name = std::string(65, 'n');
        CHECK_REFUSED(file.bytes(), Status::bad_file, "has 65 bytes, more than the 64");
        file.name = std::string(64, 'n');
        CHECK_OPENS(file.bytes());
    }
    SUBCASE("BAD_N_DIMS") {
        file.n_dims = 5;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0' has 5 dimensions");
    }
    SUBCASE("BAD_SHAPE") {  // a negative dimension in a signed reading
        file.shape = {UINT64_MAX};
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0'");
    }
    SUBCASE("ZERO_DIM") {  // newer llama.cpp accepts it; no model has it
        file.shape = {0};
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0': dimension 0 is zero");
    }
    SUBCASE("NE_TOO_BIG") {
        file.n_dims = 4;
        file.shape = {1U << 31, 1U << 31, 1U << 31, 1U << 31};
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0'");
    }
    SUBCASE("NBYTES_TOO_BIG") {
        file.type = kI64;
        file.shape = {std::uint64_t{1} << 62};
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0'");
    }
    SUBCASE("BAD_TYPE") {
        file.type = 43;
        CHECK_REFUSED(file.bytes(), Status::unsupported, "tensor 'my_tensor_0' has the unknown type 43");
    }
    SUBCASE("BAD_OFFSET") {
        file.offset = 1;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0': its offset 1");
    }
    SUBCASE("DUPLICATE_NAME") {
        file.second_name = file.name;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0' is there twice");
    }
    SUBCASE("BAD_ALIGN") {
        file.has_alignment = true;
        file.alignment = 0;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key 'general.alignment' is 0");
    }
    SUBCASE("INCONSISTENT_ALIGN") {  // the table was made for another alignment than the file says
        file.second_offset = 65;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_1': its offset 65");
    }
    SUBCASE("SUCCESS") { CHECK_OPENS(file.bytes()); }
    SUBCASE("CUSTOM_ALIGN") {
        file.has_alignment = true;
        file.alignment = 64;
        file.padding = 64;
        CHECK_OPENS(file.bytes());
        file.alignment = 1;  // llama.cpp accepts it; the format asks for a multiple of 8
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key 'general.alignment' is 1");
    }
}

TEST_CASE("test-gguf: DATA_*") {
    Recipe file;
    SUBCASE("NOT_ENOUGH_DATA") {
        file.data = 127;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_1': needs the bytes");
    }
    SUBCASE("BAD_ALIGN") {
        file.has_alignment = true;
        file.alignment = 24;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "key 'general.alignment' is 24");
    }
    SUBCASE("INCONSISTENT_ALIGN") {  // the data begins where another alignment than the file's puts it
        file.has_alignment = true;
        file.alignment = 4096;
        file.second_offset = 4096;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0': needs the bytes 4096 to 4160");
    }
    SUBCASE("MEM_SIZE_OVERFLOW") {
        file.type = kI8;
        file.shape = {0x7fffffffffffffc0};
        file.second_offset = 0x7fffffffffffffc0;
        CHECK_REFUSED(file.bytes(), Status::bad_file, "tensor 'my_tensor_0'");
    }
    SUBCASE("SUCCESS") { CHECK_OPENS(file.bytes()); }
}
