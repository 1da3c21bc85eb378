// SPDX-License-Identifier: MIT
// Runs a compiled template. All its stacks are on the heap and bounded, so that a template costs the host's stack
// nothing; every instruction spends a step.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string>
#include <vector>

#include "chat/object.hpp"
#include "chat/template.hpp"

namespace linnet::chat {

class Machine {
  public:
    // `context` is a dict. What is written is appended to `out`.
    Machine(const Program& program, const Value& context, const RenderOptions& options, Arena& arena,
            std::pmr::string& out);
    // Throws Error with line and column; a text that the template raises itself stands alone.
    void run();

  private:
    struct Frame {
        std::size_t ip;  // where to go on
        Scope* scope;
        std::uint32_t loop_depth;  // of a recursive loop
        bool captures, escapes;
    };

    void execute();
    void step(const Instruction& instruction);
    void step_block(const Instruction& instruction);
    void step_loop(const Instruction& instruction);

    Value pop();
    void push(const Value& value) { stack_.push_back(value); }
    std::span<const Value> top(std::size_t n) const { return std::span(stack_).last(n); }
    void drop(std::size_t n) { stack_.resize(stack_.size() - n); }
    void jump(const Instruction& instruction) { ip_ += static_cast<std::size_t>(instruction.a) - 1; }

    Value load(std::uint32_t name) const;
    void store(std::uint32_t name, const Value& value);
    void bind_name(Scope& scope, std::uint32_t name, const Value& value);
    void push_scope(Scope* parent);
    void share(Scope* scope) noexcept;

    void write(std::string_view text);
    void write_value(const Value& value);
    Value end_capture();
    Value concatenated(std::span<const Value> parts);
    void unpack(std::uint32_t n);

    Value apply_builtin(const CallSite& site);
    void call(const CallSite& site);
    void call_value(std::span<Value> with_callee, std::span<const std::string_view> keywords,
                    std::span<const Value> keyword_values, std::size_t n_stack);
    void enter_macro(const Macro& macro, const CallArguments& arguments);
    void enter(std::size_t entry, Scope* scope, std::uint32_t loop_depth, bool captures);
    void returns();

    void begin_loop(const Instruction& instruction);
    void next_item();
    void restore(const Loop& loop);

    const Program& program_;
    const RenderOptions& options_;
    Arena& arena_;
    std::pmr::string& out_;
    Runtime runtime_;
    std::size_t ip_ = 0;
    bool done_ = false;
    bool escapes_ = false;  // autoescape
    Scope* scope_ = nullptr;
    std::vector<Value> root_;  // the template's own names; absent ones are not `given`
    std::vector<Value> stack_;
    std::vector<Frame> frames_;
    std::vector<Loop*> loops_;
    std::vector<std::size_t> captures_;  // where they begin in out_
    std::vector<bool> escape_stack_;
};

}  // namespace linnet::chat
