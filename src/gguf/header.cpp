// SPDX-License-Identifier: MIT
#include "gguf/header.hpp"

#include <algorithm>
#include <bit>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "gguf/cursor.hpp"
#include "gguf/name_index.hpp"
#include "gguf/values.hpp"

namespace linnet::gguf {

namespace {

// Far beyond real files, small enough that a hostile one cannot ask for large tables or take long.
constexpr std::uint64_t kMaxValues = 65536;
constexpr std::uint64_t kMaxTensors = 65536;
constexpr std::size_t kMaxNesting = 8;  // arrays of arrays
constexpr std::uint32_t kMinAlignment = 8;
constexpr std::uint32_t kMaxAlignment = 1 << 24;
// From the format's specification.
constexpr std::uint64_t kMaxKeyBytes = 65535;
constexpr std::uint64_t kMaxTensorNameBytes = 64;
// The least that an entry takes: key (its length), type, value of one byte; name (its length), n_dims, one dimension,
// type, offset.
constexpr std::uint64_t kLeastValueBytes = 8 + 4 + 1;
constexpr std::uint64_t kLeastTensorBytes = 8 + 4 + 8 + 4 + 8;

// What a source that cannot be addressed is first asked for; doubled until the header is complete.
constexpr std::uint64_t kFirstRead = 16384;

void check_name(std::string_view text, std::uint64_t longest, std::string_view kind, const Cursor& cursor) {
    if (text.empty()) {
        throw Error(Status::bad_file, "{} has an empty name", cursor.label().view());
    }
    if (text.find('\0') != text.npos) {
        throw Error(Status::bad_file, "{} contains a NUL byte", Label(kind, text).view());
    }
    if (text.size() > longest) {
        throw Error(Status::bad_file, "{} has {} bytes, more than the {} that the format allows",
                    Label(kind, text).view(), text.size(), longest);
    }
}

ValueType read_value_type(Cursor& cursor) {
    const auto id = cursor.read<std::uint32_t>();
    if (id > static_cast<std::uint32_t>(ValueType::f64)) {
        throw Error(Status::unsupported, "{} has the unknown value type {}", cursor.label().view(), id);
    }
    return static_cast<ValueType>(id);
}

void check_booleans(std::span<const std::byte> bytes, const Cursor& cursor) {
    const bool valid = std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b <= std::byte{1}; });
    if (!valid) throw Error(Status::bad_file, "{} has a bool that is neither 0 nor 1", cursor.label().view());
}

// An array's type and count, with the count checked against what its elements take at least.
std::pair<ValueType, std::uint64_t> read_array_head(Cursor& cursor) {
    const ValueType type = read_value_type(cursor);
    const std::uint64_t least = type == ValueType::array ? 4 + 8 : type == ValueType::string ? 8 : scalar_size(type);
    return {type, cursor.count("array elements", least)};
}

// Walks over the elements of an array, arrays of arrays by an explicit stack of the elements left per level.
void skip_array(Cursor& cursor, ValueType type, std::uint64_t count) {
    std::uint64_t left[kMaxNesting];  // arrays left in each of the arrays of arrays that are open
    std::size_t depth = 0;
    for (;;) {
        if (type == ValueType::array) {
            if (depth == kMaxNesting) {
                throw Error(Status::unsupported, "{} nests arrays more than {} deep", cursor.label().view(),
                            kMaxNesting);
            }
            left[depth++] = count;
        } else if (type == ValueType::string) {
            for (std::uint64_t i = 0; i < count; ++i) cursor.string();
        } else {
            // Cannot overflow: count() has compared it with the bytes that remain.
            const auto bytes = cursor.take(checked_mul<std::uint64_t>(count, scalar_size(type), "array"));
            if (type == ValueType::boolean) check_booleans(bytes, cursor);
        }
        while (depth > 0 && left[depth - 1] == 0) --depth;
        if (depth == 0) return;
        --left[depth - 1];
        std::tie(type, count) = read_array_head(cursor);
    }
}

Value read_value(Cursor& cursor) {
    Value value{};
    value.key = cursor.string();
    check_name(value.key, kMaxKeyBytes, "key", cursor);
    cursor.enter("key", value.key);
    value.type = read_value_type(cursor);
    if (value.type == ValueType::string) {
        value.bytes = std::as_bytes(std::span(cursor.string()));
    } else if (value.type == ValueType::array) {
        std::tie(value.element_type, value.count) = read_array_head(cursor);
        const std::uint64_t begin = cursor.position();
        skip_array(cursor, value.element_type, value.count);
        value.bytes = cursor.since(begin);
    } else {
        value.bytes = cursor.take(scalar_size(value.type));
        if (value.type == ValueType::boolean) check_booleans(value.bytes, cursor);
    }
    return value;
}

// Everything but the place of the data: `offset` is still relative to the data's begin.
TensorInfo read_tensor_info(Cursor& cursor) {
    TensorInfo tensor{};
    tensor.name = cursor.string();
    check_name(tensor.name, kMaxTensorNameBytes, "tensor", cursor);
    cursor.enter("tensor", tensor.name);
    const Label label = cursor.label();

    tensor.n_dims = cursor.read<std::uint32_t>();
    if (tensor.n_dims < 1 || tensor.n_dims > 4) {
        throw Error(Status::bad_file, "{} has {} dimensions, not 1 to 4", label.view(), tensor.n_dims);
    }
    tensor.n_elements = 1;
    for (std::uint32_t i = 0; i < 4; ++i) {
        tensor.shape[i] = i < tensor.n_dims ? cursor.read<std::uint64_t>() : 1;
        if (tensor.shape[i] == 0) throw Error(Status::bad_file, "{}: dimension {} is zero", label.view(), i);
        tensor.n_elements = checked_mul(tensor.n_elements, tensor.shape[i], label.view());
    }

    const auto id = cursor.read<std::uint32_t>();
    tensor.type = static_cast<TensorType>(id);
    const TensorTypeInfo* type = find_type(tensor.type);
    if (type == nullptr) throw Error(Status::unsupported, "{} has the unknown type {}", label.view(), id);
    if (tensor.shape[0] % type->block_size != 0) {
        throw Error(Status::bad_file, "{}: its first dimension {} is not a multiple of {}, the block size of {}",
                    label.view(), tensor.shape[0], type->block_size, type->name);
    }
    tensor.size = checked_mul<std::uint64_t>(tensor.n_elements / type->block_size, type->block_bytes, label.view());
    tensor.offset = cursor.read<std::uint64_t>();
    return tensor;
}

std::uint64_t read_alignment(const Header& header) {
    const Value* value = find_name<Value>(header.values, header.values_by_key, &Value::key, "general.alignment");
    if (value == nullptr) return kDefaultAlignment;
    if (value->type != ValueType::u32) {
        throw Error(Status::bad_file, "key 'general.alignment' is {}, expected u32", name(value->type));
    }
    const auto alignment = get<std::uint32_t>(*value);
    if (!std::has_single_bit(alignment) || alignment < kMinAlignment || alignment > kMaxAlignment) {
        throw Error(Status::bad_file, "key 'general.alignment' is {}, not a power of two from {} to {}", alignment,
                    kMinAlignment, kMaxAlignment);
    }
    return alignment;
}

// Makes the offsets absolute.
void place_tensors(Header& header, std::uint64_t header_end, std::uint64_t file_size) {
    const std::uint64_t data_begin = checked_round_up(header_end, header.alignment, "begin of the tensor data");
    for (TensorInfo& tensor : header.tensors) {
        const Label label("tensor", tensor.name);
        if (tensor.offset % header.alignment != 0) {
            throw Error(Status::bad_file, "{}: its offset {} is not a multiple of the alignment {}", label.view(),
                        tensor.offset, header.alignment);
        }
        tensor.offset = checked_add(data_begin, tensor.offset, label.view());
        const std::uint64_t end = checked_add(tensor.offset, tensor.size, label.view());
        if (end > file_size) {
            throw Error(Status::bad_file, "{}: needs the bytes {} to {}, but the file has {}", label.view(),
                        tensor.offset, end, file_size);
        }
    }
}

void check_overlaps(const Header& header, std::pmr::memory_resource& memory) {
    std::pmr::vector<const TensorInfo*> order(&memory);
    order.reserve(header.tensors.size());
    for (const TensorInfo& tensor : header.tensors) order.push_back(&tensor);
    std::sort(order.begin(), order.end(),
              [](const TensorInfo* a, const TensorInfo* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
        const TensorInfo& a = *order[i - 1];
        const TensorInfo& b = *order[i];
        if (b.offset - a.offset < a.size) {
            throw Error(Status::bad_file, "{} at offset {} overlaps {} ({} bytes at offset {})",
                        Label("tensor", b.name).view(), b.offset, Label("tensor", a.name).view(), a.size, a.offset);
        }
    }
}

std::uint32_t read_version(Cursor& cursor) {
    if (cursor.remaining() < 4) {
        throw Error(Status::bad_file, "not a GGUF file: it has only {} bytes", cursor.remaining());
    }
    const auto magic = cursor.read<std::uint32_t>();
    if (magic != kMagic) throw Error(Status::bad_file, "not a GGUF file: it begins with 0x{:08x}", magic);
    const auto version = cursor.read<std::uint32_t>();
    if (version == 1) throw Error(Status::unsupported, "GGUF version 1 is not supported, only 2 and 3 are");
    if (version == 0) throw Error(Status::bad_file, "the GGUF version is 0");
    if ((version & 0xffff) == 0) throw Error(Status::unsupported, "big-endian GGUF files are not supported");
    if (version > 3) throw Error(Status::unsupported, "GGUF version {} is not supported, only 2 and 3 are", version);
    return version;
}

std::uint64_t check_limit(std::uint64_t n, std::uint64_t limit, std::string_view items) {
    if (n > limit) throw Error(Status::unsupported, "{} {} are declared, more than the {} allowed", n, items, limit);
    return n;
}

// One attempt on the first bytes of the source; throws Incomplete when the header goes on behind them.
void parse(Header& header, Cursor& cursor, std::uint32_t source) {
    header.version = read_version(cursor);
    const std::uint64_t n_tensors = cursor.count("tensors", kLeastTensorBytes);
    const std::uint64_t n_values = cursor.count("metadata values", kLeastValueBytes);
    check_limit(n_tensors, kMaxTensors, "tensors");
    check_limit(n_values, kMaxValues, "metadata values");

    header.values.clear();
    header.values.reserve(static_cast<std::size_t>(n_values));
    for (std::uint64_t i = 0; i < n_values; ++i) {
        cursor.enter("key", i);
        header.values.push_back(read_value(cursor));
    }
    header.tensors.clear();
    header.tensors.reserve(static_cast<std::size_t>(n_tensors));
    for (std::uint64_t i = 0; i < n_tensors; ++i) {
        cursor.enter("tensor", i);
        header.tensors.push_back(read_tensor_info(cursor));
        header.tensors.back().source = source;
    }
}

}  // namespace

Header read_header(const Source& source, std::uint32_t index, Memory& memory) {
    Header header(memory);
    const bool addressable = source.data() != nullptr;
    std::uint64_t size = addressable ? source.size() : std::min(kFirstRead, source.size());
    std::uint64_t header_end = 0;
    while (header_end == 0) {
        if (!addressable) {
            if (!std::in_range<std::size_t>(size)) {
                throw Error(Status::unsupported, "the header has more than {} bytes, too many for this machine",
                            header.bytes.size());
            }
            header.bytes = Buffer();  // first free, then allocate: the peak is one buffer
            header.bytes = Buffer(memory, static_cast<std::size_t>(size));
            source.read(0, header.bytes.bytes());
        }
        const std::byte* data = addressable ? source.data() : header.bytes.data();
        Cursor cursor({data, static_cast<std::size_t>(size)}, source.size());
        try {
            parse(header, cursor, index);
            header_end = cursor.position();
        } catch (const Incomplete& need) {
            // At least doubled, so that the attempts together cost no more than two passes.
            size = std::min(source.size(), std::max(need.end, 2 * size));
        }
    }
    header.values_by_key = index_names<Value>(header.values, &Value::key, "key", memory);
    header.alignment = read_alignment(header);
    place_tensors(header, header_end, source.size());
    check_overlaps(header, memory);
    return header;
}

}  // namespace linnet::gguf
