// SPDX-License-Identifier: MIT
#include "model/weights.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "model/tensor_slots.hpp"
#include "model/unused_parts.hpp"

namespace linnet {

namespace {

using arch::Dim;
using arch::Role;
using arch::TensorSlot;
using kernels::FormatInfo;
using kernels::kTileRows;

constexpr auto kFloats = kernels::Format::f32;

// A run of a tensor's rows which becomes one matrix; of vectors, n_out of n_in each, `step` elements apart, from
// element first_row on.
struct Part {
    Role role;
    std::size_t layer;
    std::size_t index;  // in the stack, for roles that are stacked
    const gguf::TensorInfo* tensor;
    const FormatInfo* format;
    std::uint64_t first_row;
    std::uint64_t n_in;
    std::uint64_t n_out;
    std::uint64_t step;
    bool is_vector;
    bool is_transposed;                       // rows in the file are columns [n_in], which become rows of floats
    std::uint64_t offset;                     // in the buffer; unused for matrices that stay in the file
    std::uint64_t size;                       // bytes in the buffer
    const gguf::TensorInfo* scale = nullptr;  // of the matrix, or of each in the stack; null: 1
};

// Of each head first the rows that make its keys, then those that make its values.
void add_heads(std::vector<Part>& parts, const arch::ModelSpec& spec, const Part& whole) {
    std::uint64_t row = 0;
    for (std::size_t head = 0; head < spec.layers[whole.layer].n_heads; ++head) {
        Part keys = whole;
        keys.role = Role::attn_k_b;
        keys.index = head;
        keys.first_row = row;
        keys.n_in = extent(spec, whole.layer, Dim::latent_plain);
        keys.n_out = whole.n_in;
        keys.is_transposed = true;
        parts.push_back(keys);
        Part values = whole;
        values.role = Role::attn_v_b;
        values.index = head;
        values.first_row = row + keys.n_in;
        values.n_out = extent(spec, whole.layer, Dim::latent_value);
        parts.push_back(values);
        row += keys.n_in + values.n_out;
    }
}

// Fused tensors are several matrices one after the other.
void add_parts(std::vector<Part>& parts, const arch::ModelSpec& spec, const Part& whole) {
    struct Piece {
        Role role;
        Dim rows;
    };
    std::vector<Piece> pieces;
    const std::uint64_t n_out = whole.n_out;
    if (whole.role == Role::attn_kv_b) return add_heads(parts, spec, whole);
    if (whole.role == Role::attn_qkv_bias) {
        pieces = {{Role::attn_q_bias, Dim::q}, {Role::attn_k_bias, Dim::kv}, {Role::attn_v_bias, Dim::kv}};
    } else if (whole.role == Role::attn_qkv) {
        pieces = {{Role::attn_q, Dim::q}, {Role::attn_k, Dim::kv}, {Role::attn_v, Dim::kv}};
    } else if (whole.role == Role::ffn_up && n_out == extent(spec, whole.layer, Dim::two_d_ff)) {
        pieces = {{Role::ffn_gate, Dim::d_ff}, {Role::ffn_up, Dim::d_ff}};
    } else if (whole.role == Role::altup_unembd_proj) {
        for (std::size_t i = 0; i + 1 < spec.n_streams; ++i) {
            Part part = whole;
            part.layer = i;
            part.n_out = spec.d_model;
            part.first_row = i * part.n_out;
            parts.push_back(part);
        }
        return;
    } else if (whole.role == Role::ffn_gate_up_exps) {
        pieces = {{Role::ffn_gate_exps, Dim::d_ff_expert}, {Role::ffn_up_exps, Dim::d_ff_expert}};
    } else if (whole.role == Role::ffn_gate_up_exps_bias) {
        pieces = {{Role::ffn_gate_exps_bias, Dim::d_ff_expert}, {Role::ffn_up_exps_bias, Dim::d_ff_expert}};
    } else {
        parts.push_back(whole);
        return;
    }
    std::uint64_t row = whole.first_row;
    for (const Piece& piece : pieces) {
        Part part = whole;
        part.role = piece.role;
        part.first_row = row;
        const std::uint64_t n = extent(spec, whole.layer, piece.rows);
        (whole.is_vector ? part.n_in : part.n_out) = n;
        row += n;
        parts.push_back(part);
    }
}

struct Layout {
    std::vector<Part> parts;
    std::uint64_t size = 0;
};

// n: matrices in the tensor.
Part make_part(const gguf::TensorInfo& tensor, const TensorSlot& slot, const arch::ModelSpec& spec, std::size_t layer,
               std::uint64_t n = 1) {
    const std::uint64_t n_in = extent(spec, layer, slot.n_in);
    const std::uint64_t n_out = extent(spec, layer, slot.n_out);
    const std::uint64_t rows = slot.n_out == Dim::other_streams ? spec.d_model : n_out;
    if (slot.n_out == Dim::other_streams) n = spec.n_streams - 1;
    if (tensor.shape[0] != n_in || tensor.shape[1] != rows || tensor.shape[2] != n || tensor.shape[3] != 1) {
        throw Error(Status::bad_file, "tensor '{}' is [{}, {}, {}, {}], but the metadata asks for [{}, {}, {}]",
                    tensor.name, tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3], n_in, rows, n);
    }
    const FormatInfo* format = kernels::find_format(static_cast<std::uint32_t>(tensor.type));
    const bool vector = is_vector(slot.n_out);
    if (format == nullptr || (vector && format->activations != kernels::Activations::f32)) {
        const gguf::TensorTypeInfo* type = gguf::find_type(tensor.type);
        throw Error(Status::unsupported, "tensor '{}': format {} is not supported{}", tensor.name,
                    type != nullptr ? type->name : "?", vector ? " for vectors" : "");
    }
    return {slot.role, layer, 0, &tensor, format, 0, n_in, n_out, n_in, vector, false, 0, 0};
}

// The tensor that holds this role's together with others, in files that fuse them; `role` itself when there is none.
Role fused(Role role) {
    switch (role) {
        case Role::attn_q:
        case Role::attn_k:
        case Role::attn_v: return Role::attn_qkv;
        case Role::attn_q_bias:
        case Role::attn_k_bias:
        case Role::attn_v_bias: return Role::attn_qkv_bias;
        case Role::ffn_gate_exps:
        case Role::ffn_up_exps: return Role::ffn_gate_up_exps;
        case Role::ffn_gate_exps_bias:
        case Role::ffn_up_exps_bias: return Role::ffn_gate_up_exps_bias;
        case Role::attn_k_b:
        case Role::attn_v_b: return Role::attn_kv_b;
        default: return role;
    }
}

// Gates and ups of experts come in one tensor or in two, whatever the architecture: where the fused one is, it takes
// the place of the gates' slot, and there is none for the ups.
std::optional<TensorSlot> slot_in(const gguf::File& file, TensorSlot slot, std::size_t layer) {
    const bool is_gate = slot.role == Role::ffn_gate_exps || slot.role == Role::ffn_gate_exps_bias;
    if (!is_gate && slot.role != Role::ffn_up_exps && slot.role != Role::ffn_up_exps_bias) return slot;
    const std::string name = tensor_name(slot.role, layer);
    const std::string fused_name = tensor_name(fused(slot.role), layer);
    if (file.find_tensor(fused_name) == nullptr) return slot;
    if (file.find_tensor(name) != nullptr) {
        throw Error(Status::bad_file, "tensor '{}' stands beside '{}', which holds the same", name, fused_name);
    }
    if (!is_gate) return std::nullopt;
    slot.role = fused(slot.role);
    slot.need = arch::Need::required;
    (slot.n_out == Dim::each_expert ? slot.n_in : slot.n_out) = Dim::two_d_ff_expert;
    return slot;
}

// whole: the role of the tensor that might hold it together with others; else its own.
[[noreturn]] void refuse_missing(std::string_view name, Role whole, std::size_t layer) {
    const std::string whole_name = tensor_name(whole, layer);
    if (whole_name == name) throw Error(Status::bad_file, "tensor '{}' is missing", name);
    throw Error(Status::bad_file, "tensors '{}' and '{}', of which the file needs one, are missing", name, whole_name);
}

// What a layer that attends to another's keys and values does not compute, though files may have it.
bool makes_kv(Role role) {
    switch (role) {
        case Role::attn_k:
        case Role::attn_v:
        case Role::attn_k_norm: return true;
        default: return false;
    }
}

// Of a slot which is arch.slots[i] or takes its place, for a layer: null where it need not and must not be.
const gguf::TensorInfo* find_slot(const gguf::File& file, const arch::ArchSpec& arch, const arch::ModelSpec& spec,
                                  const TensorSlot& slot, std::size_t i, std::size_t layer) {
    if (!has_extent(spec, slot, layer)) return nullptr;
    const std::string name = tensor_name(slot.role, layer, slot.name);
    const gguf::TensorInfo* tensor = file.find_tensor(name);
    const bool shares = spec.layers[layer].kv_layer != arch::kOwn && makes_kv(slot.role);
    if (slot.need == arch::Need::optional || shares) return tensor;
    if (slot.need == arch::Need::with_previous) {
        const std::string previous = tensor_name(arch.slots[i - 1].role, layer, arch.slots[i - 1].name);
        if (file.find_tensor(previous) == nullptr) return nullptr;
        if (tensor == nullptr) {
            throw Error(Status::bad_file, "tensor '{}' is missing, which belongs to '{}'", name, previous);
        }
    }
    const bool replaced =
        slot.need == arch::Need::unless_fused && file.find_tensor(tensor_name(fused(slot.role), layer)) != nullptr;
    if (replaced) return nullptr;
    const Role whole = slot.need == arch::Need::unless_fused ? fused(slot.role) : slot.role;
    if (tensor == nullptr) refuse_missing(name, whole, layer);
    return tensor;
}

std::uint64_t stack_height(const arch::LayerSpec& layer, Role role) {
    return arch::is_by_head(role) ? layer.n_heads : layer.experts.n_experts;
}

// The matrices of a stack, which are one tensor; of experts also one each.
template <class Use>
void add_stack(std::vector<Part>& parts, const gguf::File& file, const TensorSlot& slot, const arch::ModelSpec& spec,
               std::size_t layer, Use use) {
    const bool is_fused = fused(slot.role) != slot.role && file.find_tensor(tensor_name(fused(slot.role), layer));
    const std::uint64_t n = is_fused ? 0 : stack_height(spec.layers[layer], slot.role);
    const std::string whole_name = tensor_name(slot.role, layer);
    const gguf::TensorInfo* whole = file.find_tensor(whole_name);
    for (std::size_t i = 0; i < n; ++i) {
        const std::string name = arch::is_by_head(slot.role) ? whole_name : expert_name(slot.role, layer, i);
        const gguf::TensorInfo* tensor = whole != nullptr ? whole : file.find_tensor(name);
        if (tensor == nullptr) refuse_missing(i == 0 ? whole_name : name, fused(slot.role), layer);
        use(*tensor);
        Part part = make_part(*tensor, slot, spec, layer, whole != nullptr ? n : 1);
        part.index = i;
        if (whole != nullptr) part.first_row = i * part.n_out;
        add_parts(parts, spec, part);
    }
}

void check_scale(const gguf::TensorInfo& scale, const gguf::TensorInfo& tensor) {
    const bool fits = scale.n_elements == 1 || scale.n_elements == tensor.shape[2];
    if (!fits || scale.type != gguf::find_type("F32")->type) {
        throw Error(Status::bad_file, "tensor '{}' holds {} x {}, but tensor '{}' {} matrices", scale.name,
                    scale.n_elements, gguf::find_type(scale.type)->name, tensor.name, tensor.shape[2]);
    }
}

// Beside an NVFP4 tensor "x.weight" converters write what it is multiplied by as "x.scale", and as "x.input_scale" what
// activations of 4 bits would be divided by, which these here are not. used: tensors that have a slot, which may have
// such a name; those found are added.
void add_scales(const gguf::File& file, std::vector<Part>& parts, std::vector<bool>& used) {
    const std::vector<bool> has_slot = used;
    const auto take = [&](std::string_view weight, std::string_view ending) -> const gguf::TensorInfo* {
        constexpr std::string_view kWeight = "weight";
        if (!weight.ends_with(kWeight)) return nullptr;
        weight.remove_suffix(kWeight.size());
        const gguf::TensorInfo* found = file.find_tensor(format_text("{}{}", weight, ending));
        if (found == nullptr) return nullptr;
        const auto i = static_cast<std::size_t>(found - file.tensors().data());
        if (has_slot[i]) return nullptr;
        used[i] = true;
        return found;
    };
    const gguf::TensorInfo* tensor = nullptr;  // whose factor `scale` is: the matrices of a stack follow each other
    const gguf::TensorInfo* scale = nullptr;
    for (Part& part : parts) {
        if (part.is_vector) continue;
        if (part.tensor != tensor) {
            tensor = part.tensor;
            take(tensor->name, "input_scale");
            scale = take(tensor->name, "scale");
            if (scale != nullptr) check_scale(*scale, *tensor);
        }
        part.scale = scale;
    }
}

// Finds every tensor that the architecture asks for, and refuses what is missing or left over.
Layout make_layout(const gguf::File& file, const arch::ArchSpec& arch, const arch::ModelSpec& spec, bool mapped) {
    Layout layout;
    std::vector<bool> used(file.tensors().size());
    const auto use = [&](const gguf::TensorInfo& tensor) {
        used[static_cast<std::size_t>(&tensor - file.tensors().data())] = true;
    };
    for (std::size_t i = 0; i < arch.slots.size(); ++i) {
        const Role role = arch.slots[i].role;
        const std::size_t n_layers = per_layer(role) ? spec.layers.size() : 1;
        for (std::size_t layer = 0; layer < n_layers; ++layer) {
            const std::optional<TensorSlot> slot = slot_in(file, arch.slots[i], layer);
            if (!slot) continue;
            if (arch::is_stacked(role)) {
                if (has_extent(spec, *slot, layer)) add_stack(layout.parts, file, *slot, spec, layer, use);
                continue;
            }
            const gguf::TensorInfo* tensor = find_slot(file, arch, spec, *slot, i, layer);
            if (tensor == nullptr) continue;
            use(*tensor);
            const Part part = make_part(*tensor, *slot, spec, layer);
            const bool shares = spec.layers[layer].kv_layer != arch::kOwn && makes_kv(role);
            if (!shares) add_parts(layout.parts, spec, part);
        }
    }
    add_scales(file, layout.parts, used);
    for (std::size_t i = 0; i < used.size(); ++i) {
        if (!used[i] && unused_part(file.tensors()[i].name, spec).empty()) {
            throw Error(Status::bad_file, "tensor '{}' has no place in architecture '{}'", file.tensors()[i].name,
                        arch.name);
        }
    }
    for (Part& part : layout.parts) {
        if (part.is_vector) {
            part.size = part.n_in * part.n_out * sizeof(float);
        } else if (part.is_transposed) {
            part.size =
                div_up(part.n_out, std::uint64_t{kTileRows}) * kernels::tile_bytes(kernels::info(kFloats), part.n_in);
        } else if (!mapped) {
            part.size = div_up(part.n_out, std::uint64_t{kTileRows}) * kernels::tile_bytes(*part.format, part.n_in);
        }
        part.offset = layout.size;
        layout.size += round_up(part.size, std::uint64_t{Buffer::kAlign});
    }
    return layout;
}

// [n_rows][n_columns] becomes [n_columns][n_rows].
void transpose(float* values, std::uint64_t n_rows, std::uint64_t n_columns) {
    const std::vector<float> rows(values, values + n_rows * n_columns);
    for (std::uint64_t i = 0; i < rows.size(); ++i) values[i % n_columns * n_rows + i / n_columns] = rows[i];
}

// A transposed part as rows of floats, in tiles if they are to be packed.
void transpose(const gguf::File& file, const kernels::Table& kernels, const Part& part, bool packed,
               std::byte* target) {
    const std::uint64_t row_bytes = kernels::row_bytes(*part.format, part.n_out);
    std::vector<std::byte> bytes(part.n_in * row_bytes);
    file.read_tensor(*part.tensor, part.first_row * row_bytes, bytes);
    std::vector<float> column(part.n_out);
    std::vector<float> rows(part.n_in * part.n_out);
    for (std::uint64_t i = 0; i < part.n_in; ++i) {
        const auto format = static_cast<std::size_t>(part.format->format);
        kernels.decode[format].fn(bytes.data() + i * row_bytes, part.n_out, column.data());
        for (std::uint64_t r = 0; r < part.n_out; ++r) rows[r * part.n_in + i] = column[r];
    }
    const auto data = std::as_bytes(std::span(rows));
    if (!packed) {
        std::copy(data.begin(), data.end(), target);
        return;
    }
    const std::uint64_t tile_bytes = kernels::tile_bytes(kernels::info(kFloats), part.n_in);
    for (std::uint64_t r = 0; r < part.n_out; r += kTileRows) {
        kernels.pack[static_cast<std::size_t>(kFloats)].fn({data.data() + r / kTileRows * tile_bytes,
                                                            std::min<std::uint64_t>(kTileRows, part.n_out - r),
                                                            part.n_in, target + r / kTileRows * tile_bytes});
    }
}

// Packing all matrices: tasks of a few tiles each, taken in file order by all workers. Rows are read into a buffer that
// stays in a core's second-level cache, also where the file is mapped: reading costs less than the faults of pages that
// are needed once, leaves none of them in memory, and meets a file that became shorter as an Error.
class Packer {
  public:
    Packer(const gguf::File& file, const kernels::Table& kernels, std::byte* target, Progress progress)
        : file_(file), kernels_(kernels), target_(target), progress_(progress) {}

    void add(const Part& part) {
        const std::uint64_t tile_bytes = kernels::tile_bytes(*part.format, part.n_in);
        const std::uint64_t n_tiles = div_up(part.n_out, std::uint64_t{kTileRows});
        const std::uint64_t step = std::max<std::uint64_t>(1, kTaskBytes / tile_bytes);
        const std::uint64_t offset = part.first_row * kernels::row_bytes(*part.format, part.n_in);
        for (std::uint64_t tile = 0; tile < n_tiles; tile += step) {
            tasks_.push_back({&part, tile, std::min(step, n_tiles - tile), offset + tile * tile_bytes});
        }
        total_ += part.n_out * kernels::row_bytes(*part.format, part.n_in);
        buffer_bytes_ = std::max(buffer_bytes_, std::min(step, n_tiles) * tile_bytes);
    }

    void run(Workers& workers) {
        std::sort(tasks_.begin(), tasks_.end(), [](const Task& a, const Task& b) {
            const auto place = [](const Task& task) {
                const gguf::TensorInfo& tensor = *task.part->tensor;
                return std::pair(tensor.source, tensor.offset + task.offset);
            };
            return place(a) < place(b);
        });
        auto work = [this](std::uint32_t worker) { drain(worker); };
        workers.run(workers.size(), work);
        if (error_) std::rethrow_exception(error_);
        if (stop_.load()) throw Error(Status::cancelled, "loading was cancelled by the progress callback");
        if (progress_.report != nullptr && progress_.report(progress_.user, total_, total_) != 0) {
            throw Error(Status::cancelled, "loading was cancelled by the progress callback");
        }
    }

  private:
    static constexpr std::uint64_t kTaskBytes = 1U << 18;
    struct Task {
        const Part* part;
        std::uint64_t first_tile;
        std::uint64_t n_tiles;
        std::uint64_t offset;  // in the tensor
    };

    void drain(std::uint32_t worker) noexcept {
        try {
            std::vector<std::byte> rows(buffer_bytes_);
            auto reported = std::chrono::steady_clock::now();
            for (std::size_t i = next_++; i < tasks_.size() && !stop_.load(std::memory_order_relaxed); i = next_++) {
                pack(tasks_[i], rows);
                // Worker 0 is the thread that called load: the callback runs there.
                const auto now = std::chrono::steady_clock::now();
                if (worker == 0 && progress_.report != nullptr && now - reported >= std::chrono::milliseconds(10)) {
                    reported = now;
                    if (progress_.report(progress_.user, done_.load(), total_) != 0) stop_.store(true);
                }
            }
        } catch (...) {
            const std::lock_guard lock(mutex_);
            if (!error_) error_ = std::current_exception();
            stop_.store(true);
        }
    }

    void pack(const Task& task, std::span<std::byte> buffer) {
        const Part& part = *task.part;
        const std::uint64_t row_bytes = kernels::row_bytes(*part.format, part.n_in);
        const std::uint64_t tile_bytes = kernels::tile_bytes(*part.format, part.n_in);
        const std::uint64_t n_rows = std::min(task.n_tiles * kTileRows, part.n_out - task.first_tile * kTileRows);
        const std::span<std::byte> rows = buffer.first(n_rows * row_bytes);
        file_.read_tensor(*part.tensor, task.offset, rows);
        std::byte* tile = target_ + part.offset + task.first_tile * tile_bytes;
        prepare_writes({tile, task.n_tiles * tile_bytes});
        for (std::uint64_t r = 0; r < n_rows; r += kTileRows, tile += tile_bytes) {
            kernels_.pack[static_cast<std::size_t>(part.format->format)].fn(
                {rows.data() + r * row_bytes, std::min<std::uint64_t>(kTileRows, n_rows - r), part.n_in, tile});
        }
        done_ += rows.size();
    }

    const gguf::File& file_;
    const kernels::Table& kernels_;
    std::byte* target_;
    Progress progress_;
    std::vector<Task> tasks_;
    std::uint64_t buffer_bytes_ = 0;  // of the largest task
    std::uint64_t total_ = 0;
    std::atomic<std::size_t> next_{0};
    std::atomic<std::uint64_t> done_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::exception_ptr error_;
};

std::size_t most_stacked(const arch::ModelSpec& spec) {
    std::size_t n = 0;
    for (const arch::LayerSpec& layer : spec.layers) {
        n = std::max<std::size_t>({n, layer.experts.n_experts, layer.latent.rank != 0 ? layer.n_heads : 0});
    }
    return n;
}

// Roles x layers x the highest stack.
std::size_t n_stacked(const arch::ModelSpec& spec) {
    return (arch::kRoles - arch::kFirstStackedRole) * spec.layers.size() * most_stacked(spec);
}

}  // namespace

Weights::Sizes Weights::plan(const gguf::File& file, const arch::ArchSpec& arch, const arch::ModelSpec& spec,
                             bool mapped) {
    const std::size_t n = index(Role::attn_norm, spec.layers.size());
    return {make_layout(file, arch, spec, mapped).size,
            n * (sizeof(Matrix) + sizeof(const float*)) + n_stacked(spec) * sizeof(Matrix)};
}

Weights::Weights(const gguf::File& file, const arch::ArchSpec& arch, const arch::ModelSpec& spec, bool mapped,
                 const kernels::Table& kernels, Workers& workers, Memory& memory, Progress progress)
    : mapped_(mapped), stack_height_(most_stacked(spec)), matrices_(&memory), stacked_(&memory), vectors_(&memory) {
    const Layout layout = make_layout(file, arch, spec, mapped);
    buffer_ = Buffer(memory, layout.size);
    const std::size_t n = index(Role::attn_norm, spec.layers.size());
    matrices_.resize(n);
    stacked_.resize(n_stacked(spec));
    vectors_.resize(n);

    Packer packer(file, kernels, buffer_.data(), progress);
    for (const Part& part : layout.parts) {
        const std::size_t i = index(part.role, part.layer);
        std::byte* target = buffer_.data() + part.offset;
        if (part.is_vector) {
            const std::uint64_t n_values = part.n_in * part.n_out;
            const std::uint64_t run = part.step == part.n_in ? n_values : part.n_in;
            std::vector<std::byte> bytes(kernels::row_bytes(*part.format, run));
            auto* values = reinterpret_cast<float*>(target);
            for (std::uint64_t done = 0, at = part.first_row; done < n_values; done += run, at += part.step) {
                file.read_tensor(*part.tensor, kernels::row_bytes(*part.format, at), bytes);
                kernels.decode[static_cast<std::size_t>(part.format->format)].fn(bytes.data(), run, values + done);
            }
            // Files have the taps of one channel after the other; all channels are computed at once.
            if (part.role == Role::conv_taps) transpose(values, part.n_out, part.n_in);
            vectors_[i] = values;
            continue;
        }
        Matrix& matrix =
            arch::is_stacked(part.role) ? stacked_[stacked_index(part.role, part.layer, part.index)] : matrices_[i];
        matrix.format = part.format->format;
        matrix.n_in = static_cast<std::uint32_t>(part.n_in);
        matrix.n_out = static_cast<std::uint32_t>(part.n_out);
        matrix.tensor = part.is_transposed ? nullptr : part.tensor;
        matrix.first_row = part.first_row;
        if (part.scale != nullptr) {
            const std::uint64_t own = part.scale->n_elements == 1 ? 0 : part.index;
            file.read_tensor(*part.scale, own * sizeof(float), std::as_writable_bytes(std::span(&matrix.scale, 1)));
        }
        if (part.is_transposed) {
            matrix.format = kFloats;
            matrix.data = target;
            transpose(file, kernels, part, !mapped, target);
        } else if (mapped) {
            const std::byte* data = file.tensor_data(*part.tensor);
            if (data == nullptr) {
                throw Error(Status::invalid_argument, "mapped weights need a source whose bytes are addressable");
            }
            matrix.data = data + part.first_row * kernels::row_bytes(*part.format, part.n_in);
        } else {
            matrix.data = target;
            packer.add(part);
        }
    }
    packer.run(workers);
}

}  // namespace linnet
