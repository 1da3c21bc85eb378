// SPDX-License-Identifier: MIT
// What the tests of the C API share: models to load, handles that release themselves, bytes counted by a host
// allocator. These tests see the public headers only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "linnet.h"
#include "linnet.hpp"
#include "support/fixtures.hpp"

namespace api {

// The smallest golden model: random weights, two layers or so.
inline std::optional<std::string> tiny_model() {
    std::vector<std::filesystem::path> places = {fixtures::local() / "goldens/llama/model-f32.gguf",
                                                 fixtures::local() / "llama/model-f32.gguf"};
    if (const auto shared = fixtures::shared()) places.push_back(*shared / "goldens/llama/model-f32.gguf");
    for (const auto& path : places) {
        if (std::filesystem::exists(path)) return path.string();
    }
    MESSAGE("skipped: no model-f32.gguf of the golden 'llama'");
    return std::nullopt;
}

// The model that the project ships: sliding windows, a context of 1,024, real text.
inline std::optional<std::string> small_model() {
    std::vector<std::filesystem::path> places = {fixtures::models() / "tiny-tales-6m-Q8_0.gguf"};
    if (const auto shared = fixtures::shared()) places.push_back(*shared / "default-model/tiny-tales-6m-Q8_0.gguf");
    for (const auto& path : places) {
        if (std::filesystem::exists(path)) return path.string();
    }
    MESSAGE("skipped: no tiny-tales-6m-Q8_0.gguf");
    return std::nullopt;
}

// Ids that every model here has, different enough to make a sequence.
inline std::vector<linnet_token> some_tokens(std::size_t n) {
    std::vector<linnet_token> tokens(n);
    for (std::size_t i = 0; i < n; ++i) tokens[i] = static_cast<linnet_token>(5 + i * 7 % 91);
    return tokens;
}

// Logits after the tokens, from a fresh session.
inline std::vector<float> logits_of(const linnet::Model& model, const std::vector<linnet_token>& tokens) {
    linnet::Session session(model);
    session.append(tokens);
    while (session.prefill().n_pending != 0) {
    }
    return session.logits();
}

// A host allocator which counts, checks sizes on return, and can fail the n-th call (1 = the next one).
class HostMemory {
  public:
    void install(linnet_engine_options& options) {
        options.alloc = [](void* user, std::size_t size, std::size_t align) {
            return static_cast<HostMemory*>(user)->alloc(size, align);
        };
        options.free = [](void* user, void* ptr, std::size_t size, std::size_t align) {
            static_cast<HostMemory*>(user)->free(ptr, size, align);
        };
        options.alloc_user = this;
    }
    void fail_at(std::uint64_t n) { fail_at_ = n == 0 ? 0 : n_calls_ + n; }
    bool failed() const { return fail_at_ != 0 && n_calls_ >= fail_at_; }
    std::uint64_t n_calls() const { return n_calls_; }
    std::uint64_t used() const { return used_; }
    std::size_t n_wrong() const { return n_wrong_; }  // returns that match no allocation
    std::size_t n_live() const { return live_.size(); }

  private:
    struct Block {
        std::size_t size;
        std::size_t align;
    };

    void* alloc(std::size_t size, std::size_t align) {
        const std::lock_guard lock(mutex_);
        if (++n_calls_ == fail_at_) return nullptr;
        void* ptr = std::aligned_alloc(align, (size + align - 1) / align * align);
        live_[ptr] = {size, align};
        used_ += size;
        return ptr;
    }
    void free(void* ptr, std::size_t size, std::size_t align) {
        const std::lock_guard lock(mutex_);
        const auto block = live_.find(ptr);
        if (block == live_.end() || block->second.size != size || block->second.align != align) {
            ++n_wrong_;
            return;
        }
        used_ -= size;
        live_.erase(block);
        std::free(ptr);
    }

    std::mutex mutex_;
    std::map<void*, Block> live_;
    std::uint64_t n_calls_ = 0;
    std::uint64_t fail_at_ = 0;
    std::uint64_t used_ = 0;
    std::size_t n_wrong_ = 0;
};

// Calls of the replaced global operator new, all threads (new_delete.cpp).
std::uint64_t n_news();
std::uint64_t n_live_news();
// The n-th operator new from now on, in this thread, fails (1 = the next one; 0 = none).
void fail_new_at(std::uint64_t n);
bool new_failed();

}  // namespace api
