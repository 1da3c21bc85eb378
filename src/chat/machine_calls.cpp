// SPDX-License-Identifier: MIT
// Calls: built-ins answer at once, macros and recursive loops get a frame. Arguments are the top of the stack, so that
// most calls copy nothing.
#include <algorithm>
#include <vector>

#include "chat/machine.hpp"

namespace linnet::chat {

namespace {

// Arguments with *values, **values or a call block among them, which have to be laid out anew.
struct Gathered {
    std::vector<Value> first;  // the callee or the filtered value, then the positional arguments
    std::vector<std::string_view> keywords;
    std::vector<Value> keyword_values;
};

Gathered gather(Arena& arena, const CallSite& site, std::span<const Value> stack) {
    Gathered result;
    const std::size_t n_first = 1 + std::size_t{site.n_positional};
    result.first.assign(stack.begin(), stack.begin() + static_cast<std::ptrdiff_t>(n_first));
    std::size_t at = n_first;
    for (const std::string_view keyword : site.keywords) {
        result.keywords.push_back(keyword);
        result.keyword_values.push_back(stack[at++]);
    }
    if (site.star) {
        for (const Value& item : to_vector(arena, stack[at++])) result.first.push_back(item);
    }
    if (site.double_star) {
        const Value& more = stack[at++];
        if (!more.is(Kind::dict)) throw Error(Status::invalid_argument, "argument after ** must be a mapping");
        for (const Entry& entry : more.dict->span()) {
            if (!entry.key.is(Kind::string)) throw Error(Status::invalid_argument, "keywords must be strings");
            result.keywords.push_back(entry.key.view_text());
            result.keyword_values.push_back(entry.value);
        }
    }
    if (site.caller) {
        result.keywords.push_back(kKnownNames[kCallerName]);
        result.keyword_values.push_back(stack[at]);
    }
    return result;
}

bool is_plain(const CallSite& site) noexcept { return !site.star && !site.double_star && !site.caller; }

std::size_t stack_size(const CallSite& site) noexcept {
    return 1 + site.n_positional + site.keywords.size() + (site.star ? 1 : 0) + (site.double_star ? 1 : 0) +
           (site.caller ? 1 : 0);
}

}  // namespace

Value Machine::apply_builtin(const CallSite& site) {
    const std::size_t n_stack = stack_size(site);
    const std::span<const Value> stack = top(n_stack);
    Value result;
    if (is_plain(site)) {
        const std::size_t n_first = 1 + std::size_t{site.n_positional};
        result = invoke(runtime_, *site.builtin, {stack.first(n_first), site.keywords, stack.subspan(n_first)});
    } else {
        const Gathered all = gather(arena_, site, stack);
        result = invoke(runtime_, *site.builtin, {all.first, all.keywords, all.keyword_values});
    }
    drop(n_stack);
    return result;
}

void Machine::call(const CallSite& site) {
    const std::size_t n_stack = stack_size(site);
    const std::span<Value> stack = std::span(stack_).last(n_stack);
    if (is_plain(site)) {
        const std::size_t n_first = 1 + std::size_t{site.n_positional};
        return call_value(stack.first(n_first), site.keywords, stack.subspan(n_first), n_stack);
    }
    Gathered all = gather(arena_, site, stack);
    call_value(all.first, all.keywords, all.keyword_values, n_stack);
}

void Machine::call_value(std::span<Value> with_callee, std::span<const std::string_view> keywords,
                         std::span<const Value> keyword_values, std::size_t n_stack) {
    const Value callee = with_callee.front();
    const CallArguments arguments{with_callee.subspan(1), keywords, keyword_values};
    switch (callee.kind) {
        case Kind::macro: enter_macro(*callee.macro, arguments); return drop(n_stack);
        case Kind::loop: {
            const Loop& loop = *callee.loop;
            if (loop.entry < 0) {
                throw Error(Status::invalid_argument,
                            "The loop must have the 'recursive' marker to be called recursively.");
            }
            if (arguments.positional.size() != 1 || !keywords.empty()) {
                throw Error(Status::invalid_argument, "loop() takes exactly one argument");
            }
            const Value items = arguments.positional.front();
            drop(n_stack);
            enter(static_cast<std::size_t>(loop.entry), loop.outer, loop.depth + 1, true);
            return push(items);
        }
        case Kind::joiner:
        case Kind::function: {
            Value result;
            if (callee.is(Kind::joiner)) {
                result = callee.joiner->used ? callee.joiner->separator : borrowed({});
                callee.joiner->used = true;
            } else if (callee.function->has_self) {
                with_callee.front() = callee.function->self;
                result = invoke(runtime_, *callee.function->builtin, {with_callee, keywords, keyword_values});
            } else {
                result = invoke(runtime_, *callee.function->builtin, arguments);
            }
            drop(n_stack);
            return push(result);
        }
        case Kind::undefined: throw_undefined(callee);
        default: throw Error(Status::invalid_argument, "'{}' object is not callable", type_name(callee.kind));
    }
}

void Machine::enter(std::size_t entry, Scope* scope, std::uint32_t loop_depth, bool captures) {
    if (frames_.size() >= options_.limits.depth) {
        throw Error(Status::unsupported, "macros and loops call each other more than {} deep", options_.limits.depth);
    }
    frames_.push_back({ip_, scope_, loop_depth, captures, escapes_});
    if (captures) captures_.push_back(out_.size());
    scope_ = scope;
    ip_ = entry;
}

void Machine::returns() {
    if (frames_.empty()) {
        done_ = true;
        return;
    }
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (frame.captures) push(end_capture());
    scope_ = frame.scope;
    ip_ = frame.ip;
    escapes_ = frame.escapes;
}

void Machine::enter_macro(const Macro& macro, const CallArguments& arguments) {
    const MacroShape& shape = *macro.shape;
    const std::span<const std::uint32_t> parameters = shape.parameters;
    const std::size_t n_given = std::min(arguments.positional.size(), parameters.size());
    if (arguments.positional.size() > n_given && !shape.uses_varargs) {
        throw Error(Status::invalid_argument, "macro '{}' takes not more than {} argument(s)", shape.name,
                    parameters.size());
    }
    auto* const scope = arena_.make<Scope>();
    scope->parent = macro.scope;
    scope->previous = macro.scope;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const bool has_default = i >= parameters.size() - shape.n_defaults;
        Value value = missing(has_default ? Missing::argument : Missing::name, shape.parameter_names[i]);
        if (i < n_given) value = arguments.positional[i];
        bind_name(*scope, parameters[i], value);
    }
    std::vector<std::size_t> others;  // keywords that no parameter has
    Value caller = missing(Missing::other, "No caller defined");
    for (std::size_t i = 0; i < arguments.keywords.size(); ++i) {
        const std::string_view keyword = arguments.keywords[i];
        arena_.spend(parameters.size() / 4);
        const auto is_named = [&](std::uint32_t name) { return program_.names[name] == keyword; };
        const auto unfilled = parameters.subspan(n_given);
        const auto parameter = std::find_if(unfilled.begin(), unfilled.end(), is_named);
        if (parameter != unfilled.end()) {
            bind_name(*scope, *parameter, arguments.keyword_values[i]);
        } else if (keyword == kKnownNames[kCallerName] && shape.uses_caller) {
            caller = arguments.keyword_values[i];
        } else if (shape.uses_kwargs) {
            others.push_back(i);
        } else {
            throw Error(Status::invalid_argument, "macro '{}' takes no keyword argument '{}'", shape.name, keyword);
        }
    }
    const auto is_parameter = [&](std::uint32_t name) {
        return std::find(parameters.begin(), parameters.end(), name) != parameters.end();
    };
    if (shape.uses_caller && !is_parameter(kCallerName)) bind_name(*scope, kCallerName, caller);
    if (shape.uses_varargs && !is_parameter(kVarargsName)) {
        bind_name(*scope, kVarargsName, list(arena_, arguments.positional.subspan(n_given), Kind::tuple));
    }
    if (shape.uses_kwargs && !is_parameter(kKwargsName)) {
        const Value rest = new_dict(arena_);
        for (const std::size_t i : others) {
            set(arena_, *rest.dict, borrowed(arguments.keywords[i]), arguments.keyword_values[i]);
        }
        bind_name(*scope, kKwargsName, rest);
    }
    enter(shape.entry, scope, 0, true);
    escapes_ = macro.escapes;
}

}  // namespace linnet::chat
