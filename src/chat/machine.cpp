// SPDX-License-Identifier: MIT
// The machine's instructions, except for calls (machine_calls.cpp). `ip_` is the instruction after the current one.
#include "chat/machine.hpp"

#include <algorithm>
#include <utility>

#include "chat/number.hpp"
#include "chat/print.hpp"

namespace linnet::chat {

namespace {

// Templates may ask whether it is defined: without a time it is not.
bool needs_now(std::string_view name) noexcept { return name == "strftime_now"; }
constexpr std::string_view kNoTime = "'strftime_now' is undefined: the conversation has no \"now\"";

}  // namespace

Machine::Machine(const Program& program, const Value& context, const RenderOptions& options, Arena& arena,
                 std::pmr::string& out)
    : program_(program), options_(options), arena_(arena), out_(out), runtime_{arena, options.now} {
    root_.reserve(program.names.size());
    for (const std::string_view name : program.names) {
        arena_.spend(1);
        const Value* const given_value = find(arena_, *context.dict, borrowed(name));
        const Builtin* const builtin = given_value == nullptr ? find_function(name) : nullptr;
        root_.push_back(given_value != nullptr            ? *given_value
                        : builtin == nullptr              ? missing(Missing::argument, {})
                        : options.now || !needs_now(name) ? function(arena_, *builtin)
                                                          : missing(Missing::other, kNoTime));
    }
    if (!given(root_[kSelfName])) root_[kSelfName] = new_dict(arena_);  // blocks by name, which nobody calls
}

void Machine::run() {
    try {
        execute();
    } catch (const Error& error) {
        if (runtime_.raised || ip_ == 0) throw;
        const Position position = position_of(program_.source, program_.where[ip_ - 1]);
        throw Error(error.status(), "chat template, line {}, column {}: {}", position.line, position.column,
                    error.what());
    }
}

void Machine::execute() {
    while (!done_) {
        arena_.spend(1);
        step(program_.code[ip_++]);
    }
}

Value Machine::pop() {
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
}

void Machine::step(const Instruction& instruction) {
    const auto a = static_cast<std::uint32_t>(instruction.a);
    switch (instruction.op) {
        case Op::constant: return push(program_.constants[a]);
        case Op::load: return push(load(a));
        case Op::store: return store(a, pop());
        case Op::attribute: stack_.back() = attribute(arena_, stack_.back(), program_.constants[a].view_text()); return;
        case Op::set_attribute: {
            const Value space = pop(), value = pop();
            if (!space.is(Kind::space)) {
                throw Error(Status::invalid_argument, "cannot assign attribute on non-namespace object");
            }
            return set(arena_, *space.dict, program_.constants[a], value);
        }
        case Op::element: {
            const Value key = pop();
            stack_.back() = element(arena_, stack_.back(), key);
            return;
        }
        case Op::slice: {
            const Value by = pop(), stop = pop(), start = pop();
            stack_.back() = slice(arena_, stack_.back(), start, stop, by);
            return;
        }
        case Op::list:
        case Op::tuple: {
            const Value made = list(arena_, top(a), instruction.op == Op::list ? Kind::list : Kind::tuple);
            drop(a);
            return push(made);
        }
        case Op::dict: {
            const Value made = new_dict(arena_, a);
            const std::span<const Value> pairs = top(std::size_t{2} * a);
            for (std::size_t i = 0; i < pairs.size(); i += 2) set(arena_, *made.dict, pairs[i], pairs[i + 1]);
            drop(pairs.size());
            return push(made);
        }
        case Op::unpack: return unpack(a);
        case Op::pop: return drop(1);
        case Op::negate:
        case Op::plus: {
            Value& value = stack_.back();
            if (value.is(Kind::undefined)) throw_undefined(value);
            if (!is_number(value)) {
                throw Error(Status::invalid_argument, "bad operand type for unary {}: '{}'",
                            instruction.op == Op::negate ? '-' : '+', type_name(value.kind));
            }
            value = instruction.op == Op::negate ? negate(arena_, value)
                                                 : compute(arena_, Arithmetic::add, integer(0), value);
            return;
        }
        case Op::invert: stack_.back() = boolean(!truth(stack_.back())); return;
        case Op::compute: {
            const Value y = pop();
            stack_.back() = operate(runtime_, static_cast<Arithmetic>(instruction.flag), stack_.back(), y);
            return;
        }
        case Op::concat: {
            const Value made = concatenated(top(a));
            drop(a);
            return push(made);
        }
        case Op::compare: {
            const Value y = pop();
            stack_.back() = boolean(holds(arena_, static_cast<Comparison>(instruction.flag), stack_.back(), y));
            return;
        }
        case Op::link: {
            const Value y = pop();
            const bool held = holds(arena_, static_cast<Comparison>(instruction.flag), stack_.back(), y);
            stack_.back() = held ? y : boolean(false);
            if (!held) jump(instruction);
            return;
        }
        case Op::jump: return jump(instruction);
        case Op::jump_unless:
            if (!truth(pop())) jump(instruction);
            return;
        case Op::keep_if:
        case Op::keep_unless:
            if (truth(stack_.back()) == (instruction.op == Op::keep_if)) return jump(instruction);
            return drop(1);
        case Op::filter: return push(apply_builtin(program_.sites[a]));
        case Op::test: return push(apply_builtin(program_.sites[a]));
        case Op::call: return call(program_.sites[a]);
        case Op::returns: return returns();
        default: return step_block(instruction);
    }
}

void Machine::step_block(const Instruction& instruction) {
    const auto a = static_cast<std::uint32_t>(instruction.a);
    switch (instruction.op) {
        case Op::text: return write(program_.constants[a].view_text());
        case Op::emit: return write_value(pop());
        case Op::capture: return captures_.push_back(out_.size());
        case Op::captured: return push(end_capture());
        case Op::push_scope: return push_scope(scope_);
        case Op::push_root: return push_scope(nullptr);
        case Op::pop_scope: scope_ = scope_->previous; return;
        case Op::macro: {
            auto* const macro = arena_.make<Macro>();
            *macro = {&program_.macros[a], scope_, escapes_};
            share(scope_);
            Value value(Kind::macro);
            value.macro = macro;
            return push(value);
        }
        case Op::given: {
            const Value* const bound = scope_->find(static_cast<std::uint32_t>(program_.code[ip_].a));
            if (bound != nullptr && given(*bound)) return jump(instruction);
            ++ip_;
            return;
        }
        case Op::escape_begin:
            escape_stack_.push_back(escapes_);
            escapes_ = truth(pop());
            return;
        case Op::escape_end:
            escapes_ = escape_stack_.back();
            escape_stack_.pop_back();
            return;
        case Op::fail: throw Error(Status::invalid_argument, "{}", program_.constants[a].view_text());
        default: return step_loop(instruction);
    }
}

void Machine::step_loop(const Instruction& instruction) {
    switch (instruction.op) {
        case Op::enter_loop: {
            const std::size_t after = ip_ - 1 + static_cast<std::size_t>(instruction.a);
            const std::size_t entry = std::exchange(ip_, after);
            share(scope_);
            return enter(entry, scope_, 0, false);
        }
        case Op::filter_begin:
        case Op::for_begin: return begin_loop(instruction);
        case Op::filter_next: {
            Loop& loop = *loops_.back();
            if (truth(pop())) new (&loop.kept[loop.n_kept++]) Value(loop.items[loop.index]);
            if (++loop.index < loop.n) jump(instruction);
            return;
        }
        case Op::filter_end: {
            const Loop& loop = *loops_.back();
            loops_.pop_back();
            scope_ = loop.outer;
            Value kept(Kind::list);
            kept.items = loop.kept;
            kept.n = loop.n_kept;
            return push(kept);
        }
        case Op::for_item: return next_item();
        case Op::for_next: {
            Loop& loop = *loops_.back();
            restore(loop);
            if (++loop.index < loop.n) jump(instruction);
            return;
        }
        case Op::for_end:
            restore(*loops_.back());
            loops_.pop_back();
            return;
        default: throw Error(Status::internal, "instruction {}", static_cast<int>(instruction.op));
    }
}

// --- names

Value Machine::load(std::uint32_t name) const {
    for (Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
        arena_.spend(scope->n / 8);
        const Value* const value = scope->find(name);
        if (value != nullptr && given(*value)) return *value;
    }
    const Value& value = root_[name];
    return given(value) ? value : missing(Missing::name, program_.names[name]);
}

void Machine::store(std::uint32_t name, const Value& value) {
    if (scope_ == nullptr) {
        root_[name] = value;
    } else {
        bind_name(*scope_, name, value);
    }
}

void Machine::bind_name(Scope& scope, std::uint32_t name, const Value& value) {
    arena_.spend(scope.n / 8);
    if (Value* const bound = scope.find(name)) {
        *bound = value;
        return;
    }
    if (scope.n == scope.capacity) {
        const std::uint32_t capacity = std::max(2 * scope.capacity, 4U);
        auto* const bindings = arena_.allocate<Binding>(capacity);
        std::uninitialized_copy_n(scope.bindings, scope.n, bindings);
        scope.bindings = bindings;
        scope.capacity = capacity;
    }
    new (&scope.bindings[scope.n]) Binding{name, value};
    ++scope.n;
}

void Machine::push_scope(Scope* parent) {
    auto* const scope = arena_.make<Scope>();
    scope->parent = parent;
    scope->previous = scope_;
    scope_ = scope;
}

void Machine::share(Scope* scope) noexcept {
    for (; scope != nullptr && !scope->shared; scope = scope->parent) scope->shared = true;
}

void Machine::unpack(std::uint32_t n) {
    const Value value = pop();
    if (!is_iterable(value)) {
        throw Error(Status::invalid_argument, "cannot unpack non-iterable {} object", type_name(value.kind));
    }
    const std::span<const Value> items = to_items(arena_, value);
    if (items.size() < n) {
        throw Error(Status::invalid_argument, "not enough values to unpack (expected {}, got {})", n, items.size());
    }
    if (items.size() > n) throw Error(Status::invalid_argument, "too many values to unpack (expected {})", n);
    stack_.insert(stack_.end(), items.rbegin(), items.rend());
}

// --- output

void Machine::write(std::string_view text) {
    if (text.size() > options_.limits.output_bytes - out_.size()) {
        throw Error(Status::unsupported, "the template writes more than {} bytes", options_.limits.output_bytes);
    }
    arena_.spend(text.size() / 64);
    out_.append(text);
}

void Machine::write_value(const Value& value) {
    if (value.is(Kind::string) && (!escapes_ || value.form == 1)) return write(value.view_text());
    Text text(arena_);
    if (escapes_) {
        append_escaped(text, to_str(arena_, value));
    } else {
        append_str(text, value);
    }
    write(text.view());
}

Value Machine::end_capture() {
    const std::size_t begin = captures_.back();
    captures_.pop_back();
    Value text = string(arena_, std::string_view(out_).substr(begin));
    text.form = escapes_ ? 1 : 0;
    out_.resize(begin);
    return text;
}

Value Machine::concatenated(std::span<const Value> parts) {
    std::string_view made;
    for (const Value& part : parts) {
        std::string_view piece = to_str(arena_, part);
        if (escapes_ && !(part.is(Kind::string) && part.form == 1)) {
            Text text(arena_);
            append_escaped(text, piece);
            piece = arena_.copy(text.view());
        }
        arena_.spend(piece.size() / 64);
        made = arena_.join(made, piece);
    }
    Value result = borrowed(made);
    result.form = escapes_ ? 1 : 0;
    return result;
}

// --- loops

void Machine::begin_loop(const Instruction& instruction) {
    const bool is_filter = instruction.op == Op::filter_begin;
    const std::span<const Value> items = to_items(arena_, pop());
    if (items.empty() && !is_filter) return jump(instruction);
    auto* const loop = arena_.make<Loop>();
    loop->items = items.data();
    loop->n = static_cast<std::uint32_t>(items.size());
    loop->outer = scope_;
    loop->n_captures = captures_.size();
    loop->escapes = escapes_;
    loops_.push_back(loop);
    if (is_filter) {
        loop->kept = arena_.allocate<Value>(items.size());
        if (items.empty()) jump(instruction);
        return;
    }
    if (instruction.flag == 0) return;
    loop->entry = static_cast<std::int32_t>(ip_) + program_.code[ip_].a;
    loop->depth = frames_.back().loop_depth;
    ++ip_;
}

void Machine::next_item() {
    Loop& loop = *loops_.back();
    if (loop.scope == nullptr || loop.scope->shared) {
        loop.scope = arena_.make<Scope>();
        loop.scope->parent = loop.scope->previous = loop.outer;
    }
    loop.scope->n = 0;
    scope_ = loop.scope;
    if (loop.kept == nullptr) {
        Value value(Kind::loop);
        value.loop = &loop;
        bind_name(*scope_, kLoopName, value);
    }
    push(loop.items[loop.index]);
}

// Leaves whatever was opened inside of the loop's body.
void Machine::restore(const Loop& loop) {
    scope_ = loop.outer;
    if (captures_.size() > loop.n_captures) {
        out_.resize(captures_[loop.n_captures]);
        captures_.resize(loop.n_captures);
    }
    if (escapes_ != loop.escapes) {
        escapes_ = loop.escapes;
        escape_stack_.pop_back();
    }
}

}  // namespace linnet::chat
