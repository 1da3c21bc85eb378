// SPDX-License-Identifier: MIT
#include "quantize/convert.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "base/error.hpp"
#include "gguf/cursor.hpp"
#include "quantize/encode.hpp"

namespace linnet::quantize {

namespace {

constexpr std::uint64_t kPiece = std::uint64_t{2} << 20U;  // bytes of the source that are read at a time
constexpr std::uint64_t kRowsPerTask = 8;
constexpr float kLeastImportance = 1e-4F;  // of the mean: what was never seen in use still counts a little

std::uint64_t bytes_of(const gguf::TensorTypeInfo& type, std::uint64_t n) noexcept {
    return n / type.block_size * type.block_bytes;
}

// [begin, begin + size) of the tensor's bytes, read into `buffer` when they cannot be addressed.
std::span<const std::byte> piece_of(const Conversion& c, std::uint64_t begin, std::uint64_t size, Buffer& buffer) {
    const auto n = static_cast<std::size_t>(size);
    if (const std::byte* data = c.file.tensor_data(c.tensor)) return {data + begin, n};
    c.file.read_tensor(c.tensor, begin, buffer.bytes().first(n));
    return buffer.bytes().first(n);
}

void copy(const Conversion& c, Memory& memory, const std::function<void(std::span<const std::byte>)>& sink) {
    Buffer buffer(memory, kPiece);
    for (std::uint64_t done = 0; done < c.tensor.size; done += kPiece) {
        const std::uint64_t size = std::min(kPiece, c.tensor.size - done);
        sink(piece_of(c, done, size, buffer));
        c.file.source(c.tensor.source).release(c.tensor.offset + done, size);
    }
}

// Importance as the encoders take it: the mean of a matrix is 1, so that sums stay in range.
std::vector<float> scaled_importance(const Conversion& c) {
    std::vector<float> result(c.importance.begin(), c.importance.end());
    const auto n_in = static_cast<std::ptrdiff_t>(c.tensor.shape[0]);
    for (auto row = result.begin(); row != result.end(); row += n_in) {
        double sum = 0;
        std::for_each(row, row + n_in, [&](float value) { sum += static_cast<double>(value); });
        const double mean = sum / static_cast<double>(n_in);
        std::for_each(row, row + n_in, [&](float& value) {
            value = mean > 0 ? std::max(static_cast<float>(static_cast<double>(value) / mean), kLeastImportance) : 1.0F;
        });
    }
    return result;
}

bool all_within(const float* x, std::size_t n, float limit) noexcept {
    bool good = true;
    for (std::size_t k = 0; k < n; ++k) good &= x[k] >= -limit && x[k] <= limit;
    return good;
}

// The rows of one piece after another, each encoded by whichever thread is free.
class RowEncoder {
  public:
    RowEncoder(const Conversion& c, const Encoder& encoder, const kernels::FormatInfo& source,
               const kernels::Table& kernels, Workers& workers)
        : encoder_(encoder),
          decode_(kernels.decode[static_cast<std::size_t>(source.format)].fn),
          workers_(workers),
          label_("tensor", c.tensor.name),
          n_in_(static_cast<std::size_t>(c.tensor.shape[0])),
          n_out_(c.tensor.shape[1]),
          n_matrices_(c.importance.size() / n_in_),
          importance_(scaled_importance(c)),
          source_row_(kernels::row_bytes(source, n_in_)),
          target_row_(static_cast<std::size_t>(bytes_of(*gguf::find_type(c.type), n_in_))),
          rows_(workers.size(), std::vector<float>(n_in_)) {}

    // Rows [first, first + n) of the tensor. Throws for the first row with a weight that does not fit.
    void run(std::uint64_t first, std::uint64_t n, const std::byte* source, std::byte* target) {
        const std::uint64_t n_tasks = (n + kRowsPerTask - 1) / kRowsPerTask;
        std::atomic<std::uint64_t> next{0};
        std::atomic<std::uint64_t> bad{n};
        auto work = [&](std::uint32_t thread) {
            float* x = rows_[thread].data();
            for (std::uint64_t task = next++; task < n_tasks; task = next++) {
                for (std::uint64_t row = task * kRowsPerTask; row < std::min((task + 1) * kRowsPerTask, n); ++row) {
                    decode_(source + row * source_row_, n_in_, x);
                    if (all_within(x, n_in_, encoder_.limit)) {
                        encoder_.encode(x, importance_of(first + row), n_in_, target + row * target_row_);
                        continue;
                    }
                    std::uint64_t least = bad;
                    while (row < least && !bad.compare_exchange_weak(least, row)) {
                    }
                }
            }
        };
        workers_.run(static_cast<std::uint32_t>(std::min<std::uint64_t>(workers_.size(), n_tasks)), work);
        if (bad < n) refuse(first + bad, source + bad * source_row_);
    }

  private:
    const float* importance_of(std::uint64_t row) const noexcept {
        return importance_.empty() ? nullptr : importance_.data() + row / n_out_ % n_matrices_ * n_in_;
    }

    [[noreturn]] void refuse(std::uint64_t row, const std::byte* source) {
        std::vector<float>& x = rows_[0];
        decode_(source, n_in_, x.data());
        std::size_t k = 0;
        while (all_within(x.data() + k, 1, encoder_.limit)) ++k;
        throw Error(Status::bad_file, "{}: weight {} of row {} is {}, which {} cannot hold", label_.view(), k, row,
                    x[k], encoder_.type);
    }

    const Encoder& encoder_;
    void (*decode_)(const std::byte* blocks, std::size_t n_in, float* y);
    Workers& workers_;
    gguf::Label label_;
    std::size_t n_in_;
    std::uint64_t n_out_;
    std::size_t n_matrices_;
    std::vector<float> importance_;
    std::size_t source_row_;
    std::size_t target_row_;
    std::vector<std::vector<float>> rows_;  // of each thread
};

}  // namespace

std::uint64_t converted_size(const Conversion& c) noexcept {
    return bytes_of(*gguf::find_type(c.type), c.tensor.n_elements);
}

void convert(const Conversion& c, const kernels::Table& kernels, Workers& workers, Memory& memory,
             const std::function<void(std::span<const std::byte>)>& sink) {
    if (c.type == c.tensor.type) return copy(c, memory, sink);
    const gguf::Label label("tensor", c.tensor.name);
    const gguf::TensorTypeInfo& from = *gguf::find_type(c.tensor.type);
    const gguf::TensorTypeInfo& to = *gguf::find_type(c.type);
    const kernels::FormatInfo* source = kernels::find_format(static_cast<std::uint32_t>(c.tensor.type));
    const Encoder* encoder = find_encoder(c.type);
    if (source == nullptr || encoder == nullptr) {
        throw Error(Status::unsupported, "{}: cannot be converted from {} to {}", label.view(), from.name, to.name);
    }
    const std::uint64_t n_matrices = c.tensor.shape[2];
    if (!c.importance.empty() && c.importance.size() != c.tensor.shape[0] * n_matrices) {
        throw Error(Status::bad_file, "{}: there are {} values of importance for {} x {} inputs", label.view(),
                    c.importance.size(), n_matrices, c.tensor.shape[0]);
    }
    const std::uint64_t n_rows = c.tensor.n_elements / c.tensor.shape[0];
    const std::uint64_t source_row = bytes_of(from, c.tensor.shape[0]);
    const std::uint64_t target_row = bytes_of(to, c.tensor.shape[0]);
    const std::uint64_t step = std::min(n_rows, std::max(kPiece / source_row, workers.size() * kRowsPerTask));
    Buffer buffer(memory, c.file.tensor_data(c.tensor) != nullptr ? 0 : static_cast<std::size_t>(step * source_row));
    Buffer target(memory, static_cast<std::size_t>(step * target_row));
    RowEncoder rows(c, *encoder, *source, kernels, workers);
    for (std::uint64_t first = 0; first < n_rows; first += step) {
        const std::uint64_t n = std::min(step, n_rows - first);
        const auto piece = piece_of(c, first * source_row, n * source_row, buffer);
        rows.run(first, n, piece.data(), target.data());
        sink(target.bytes().first(static_cast<std::size_t>(n * target_row)));
        c.file.source(c.tensor.source).release(c.tensor.offset + first * source_row, n * source_row);
    }
}

}  // namespace linnet::quantize
