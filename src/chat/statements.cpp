// SPDX-License-Identifier: MIT
// Statements: {% if %}, {% for %}, {% set %}, {% macro %} and the others. A statement begins and ends with no values of
// its own on the stack.
#include <algorithm>

#include "chat/compiler.hpp"

namespace linnet::chat {

std::string_view Compiler::body(std::initializer_list<std::string_view> ends, std::string_view opened) {
    const Nested nested(*this);
    const std::size_t begin = at_ == 0 ? 0 : at_ - 1;
    for (;;) {
        switch (token().kind) {
            case TokenKind::data:
                emit(Op::text, constant_text(token().text));
                ++at_;
                break;
            case TokenKind::print_begin: {
                const std::size_t output = at_++;
                tuple();
                expect(TokenKind::print_end);
                emit_at(output, Op::emit);
                break;
            }
            case TokenKind::block_begin:
                ++at_;
                if (std::find(ends.begin(), ends.end(), token().text) != ends.end() &&
                    token().kind == TokenKind::name) {
                    return take().text;
                }
                statement();
                end_block();
                break;
            default:
                if (ends.size() == 0) return {};
                fail_unclosed(begin, ends, opened);
        }
    }
}

// Apart, so that the frames of nested blocks stay small.
void Compiler::fail_unclosed(std::size_t begin, std::initializer_list<std::string_view> ends,
                             std::string_view opened) const {
    std::string wanted;
    for (const std::string_view end : ends) (wanted += wanted.empty() ? "'" : " or '").append(end) += '\'';
    std::size_t tag = begin;
    while (tag != 0 && tokens_[tag].kind != TokenKind::block_begin) --tag;
    throw_syntax(program_.source, tokens_[tag].offset,
                 format_text("Unexpected end of template. Jinja was looking for the following tags: {}. The innermost "
                             "block that needs to be closed is '{}'.",
                             wanted, opened));
}

void Compiler::end_block() { expect(TokenKind::block_end); }

void Compiler::statement() {
    if (token().kind != TokenKind::name) fail("tag name expected");
    const std::string_view word = take().text;
    if (word == "if") return if_block();
    if (word == "for") return for_block();
    if (word == "set") return set_block();
    if (word == "macro") return macro_block();
    if (word == "call") return call_block();
    if (word == "filter") return filter_block();
    if (word == "with") return with_block();
    if (word == "autoescape") return escape_block();
    if (word == "print") return print_tag();
    if (word == "break" || word == "continue") return loop_exit(word == "break");
    if (word == "generation") return scoped_block("endgeneration", Op::push_scope);
    if (word == "block") {
        expect_name();
        const bool sees_loops = accept_name("scoped");
        accept_name("required");
        scoped_block("endblock", sees_loops ? Op::push_scope : Op::push_root);
        if (token().kind == TokenKind::name) ++at_;
        return;
    }
    if (word == "include" || word == "import" || word == "from" || word == "extends") return loader_tag();
    --at_;
    fail(format_text("Encountered unknown tag '{}'.", word));
}

void Compiler::if_block() {
    ++soft_;
    std::vector<std::size_t> ends;
    for (bool more = true; more;) {
        tuple(true);
        const std::size_t unless = emit(Op::jump_unless);
        end_block();
        const std::string_view end = body({"elif", "else", "endif"}, "if");
        more = end == "elif";
        if (end != "endif") ends.push_back(emit(Op::jump));
        place(unless);
        if (end == "else") {
            end_block();
            body({"endif"}, "if");
        }
    }
    for (const std::size_t end : ends) place(end);
    --soft_;
}

//   items
//   [enter_loop after]                         a recursive loop is code of its own, which loop(items) enters as well
//   [filter_begin filtered; next: for_item; target; test; filter_next next; filtered: filter_end]
//   for_begin else; body: for_item; target; ...; continue: for_next body; break: for_end; jump done
//   else: ...
//   done: [returns; after:]
void Compiler::for_block() {
    const std::size_t begin = at_ - 1;
    const Piece assign = target(false);
    if (!accept_name("in")) fail_unexpected("'in'");
    tuple(true);
    const std::size_t items_end = program_.code.size();
    Piece filter;
    const bool filtered = accept_name("if");
    if (filtered) {
        expression();
        filter = cut(items_end);
    }
    const bool recursive = accept_name("recursive");
    end_block();

    const std::size_t enter = recursive ? emit_at(begin, Op::enter_loop) : 0;
    if (recursive) functions_.emplace_back();  // outer loops cannot be left from inside
    const std::size_t entry = program_.code.size();
    if (filtered) {
        const std::size_t filter_begin = emit_at(begin, Op::filter_begin);
        const std::size_t next = emit_at(begin, Op::for_item);
        paste(assign);
        paste(filter);
        jump_back(Op::filter_next, next);
        place(filter_begin);
        emit_at(begin, Op::filter_end);
    }
    const std::size_t for_begin = emit_at(begin, Op::for_begin, 0, recursive ? 1 : 0);
    if (recursive) jump_back(Op::entry, entry);
    const std::size_t item = emit_at(begin, Op::for_item);
    paste(assign);
    functions_.back().loops.emplace_back();
    const std::string_view end = body({"else", "endfor"}, "for");
    const LoopContext context = std::move(functions_.back().loops.back());
    functions_.back().loops.pop_back();
    for (const std::size_t jump : context.continues) place(jump);
    jump_back(Op::for_next, item);
    for (const std::size_t jump : context.breaks) place(jump);
    emit(Op::for_end);
    const std::size_t done = emit(Op::jump);
    place(for_begin);
    if (end == "else") {
        end_block();
        emit(Op::push_scope);
        body({"endfor"}, "for");
        emit(Op::pop_scope);
    }
    place(done);
    if (!recursive) return;
    emit(Op::returns);
    place(enter);
    functions_.pop_back();
}

void Compiler::loop_exit(bool is_break) {
    std::vector<LoopContext>& loops = functions_.back().loops;
    --at_;
    if (loops.empty()) fail(format_text("'{}' outside of a loop", token().text));
    (is_break ? loops.back().breaks : loops.back().continues).push_back(emit(Op::jump));
    ++at_;
}

void Compiler::set_block() {
    const Piece assign = target(true);
    if (accept_sign("=")) {
        tuple();
        return paste(assign);
    }
    const std::size_t begin = program_.code.size();
    filter_chain();
    const Piece chain = cut(begin);
    end_block();
    emit(Op::capture);
    emit(Op::push_scope);
    body({"endset"}, "set");
    emit(Op::pop_scope);
    emit(Op::captured);
    paste(chain);
    paste(assign);
}

Compiler::Piece Compiler::target(bool with_attributes) {
    const std::size_t begin = program_.code.size();
    target_items(with_attributes, 0);
    return cut(begin);
}

void Compiler::target_items(bool with_attributes, int depth) {
    if (depth > kMaxNesting) fail_nesting();
    const std::size_t unpack = emit(Op::unpack);
    std::int32_t n = 0;
    bool is_tuple = false;
    while (token().kind == TokenKind::name ? !(n != 0 && token().is_name("in")) : token().is_sign("(")) {
        target_item(with_attributes, depth);
        ++n;
        if (!accept_sign(",")) break;
        is_tuple = true;
    }
    if (n == 0) fail_unexpected("an expression");
    if (is_tuple) {
        program_.code[unpack].a = n;
    } else {
        const auto at = static_cast<std::ptrdiff_t>(unpack);
        program_.code.erase(program_.code.begin() + at);
        program_.where.erase(program_.where.begin() + at);
    }
}

void Compiler::target_item(bool with_attributes, int depth) {
    if (accept_sign("(")) {
        target_items(with_attributes, depth + 1);
        return expect_sign(")");
    }
    const std::size_t begin = at_;
    const std::string_view text = expect_name();
    if (text == "true" || text == "false" || text == "none" || text == "True" || text == "False" || text == "None") {
        --at_;
        fail(format_text("can't assign to '{}'", text));
    }
    if (with_attributes && accept_sign(".")) {
        emit_at(begin, Op::load, load_name(text));
        emit_at(begin, Op::set_attribute, constant_text(expect_name()));
    } else {
        emit_at(begin, Op::store, name(text));
    }
}

// Parameters in brackets, as names. `defaults` is code that stores those which were not given.
std::vector<std::uint32_t> Compiler::signature(Piece& defaults, std::uint32_t& n_defaults) {
    std::vector<std::uint32_t> parameters;
    const std::size_t begin = program_.code.size();
    n_defaults = 0;
    expect_sign("(");
    while (!token().is_sign(")")) {
        if (!parameters.empty()) expect_sign(",");
        const std::int32_t id = name(expect_name());
        parameters.push_back(static_cast<std::uint32_t>(id));
        if (accept_sign("=")) {
            const std::size_t given = emit(Op::given);
            emit(Op::entry, id);
            expression();
            emit(Op::store, id);
            place(given);
            ++n_defaults;
        } else if (n_defaults != 0) {
            fail("non-default argument follows default argument");
        }
    }
    expect_sign(")");
    defaults = cut(begin);
    return parameters;
}

// From the end of the opening tag to that of the closing one. Returns the macro's number.
std::int32_t Compiler::function_body(std::string_view name, std::string_view end, std::vector<std::uint32_t> parameters,
                                     const Piece& defaults, std::uint32_t n_defaults) {
    end_block();
    const std::size_t over = emit(Op::jump);
    MacroShape shape;
    shape.name = name;
    shape.entry = static_cast<std::uint32_t>(program_.code.size());
    shape.parameters = {program_.arena.copy(std::span<const std::uint32_t>(parameters)), parameters.size()};
    std::vector<std::string_view> names;
    for (const std::uint32_t parameter : parameters) names.push_back(program_.names[parameter]);
    shape.parameter_names = {program_.arena.copy(std::span<const std::string_view>(names)), names.size()};
    shape.n_defaults = n_defaults;
    functions_.emplace_back();
    paste(defaults);
    body({end}, end.substr(3));
    emit(Op::returns);
    shape.uses_varargs = functions_.back().uses_varargs;
    shape.uses_kwargs = functions_.back().uses_kwargs;
    shape.uses_caller = functions_.back().uses_caller;
    functions_.pop_back();
    place(over);
    program_.macros.push_back(shape);
    return static_cast<std::int32_t>(program_.macros.size() - 1);
}

void Compiler::macro_block() {
    const std::size_t begin = at_;
    const std::string_view macro_name = expect_name();
    Piece defaults;
    std::uint32_t n_defaults = 0;
    std::vector<std::uint32_t> parameters = signature(defaults, n_defaults);
    const std::int32_t id = function_body(macro_name, "endmacro", std::move(parameters), defaults, n_defaults);
    emit_at(begin, Op::macro, id);
    emit_at(begin, Op::store, name(macro_name));
}

// The call's last argument is the block as a macro.
void Compiler::call_block() {
    const std::size_t begin = at_;
    Piece defaults;
    std::uint32_t n_defaults = 0;
    std::vector<std::uint32_t> parameters;
    if (token().is_sign("(")) parameters = signature(defaults, n_defaults);
    unary(false);
    // A call and nothing around it, so that no jump leads past its instruction.
    if (program_.code.back().op != Op::call || call_end_ != at_) fail("expected call");
    const std::int32_t site = program_.code.back().a;
    cut(program_.code.size() - 1);
    const std::int32_t id = function_body("caller", "endcall", std::move(parameters), defaults, n_defaults);
    emit_at(begin, Op::macro, id);
    program_.sites[static_cast<std::size_t>(site)].caller = true;
    emit_at(begin, Op::call, site);
    emit_at(begin, Op::emit);
}

void Compiler::filter_block() {
    const std::size_t start = program_.code.size();
    one_filter();
    filter_chain();
    const Piece chain = cut(start);
    end_block();
    emit(Op::capture);
    emit(Op::push_scope);
    body({"endfilter"}, "filter");
    emit(Op::pop_scope);
    emit(Op::captured);
    paste(chain);
    emit(Op::emit);
}

// All values are computed before the first is bound.
void Compiler::with_block() {
    std::vector<Piece> targets;
    while (token().kind != TokenKind::block_end) {
        if (!targets.empty()) expect_sign(",");
        const std::size_t begin = program_.code.size();
        target_item(false, 0);
        targets.push_back(cut(begin));
        expect_sign("=");
        expression();
    }
    emit(Op::push_scope);
    for (auto piece = targets.rbegin(); piece != targets.rend(); ++piece) paste(*piece);
    end_block();
    body({"endwith"}, "with");
    emit(Op::pop_scope);
}

void Compiler::escape_block() {
    expression();
    emit(Op::escape_begin);
    end_block();
    emit(Op::push_scope);
    body({"endautoescape"}, "autoescape");
    emit(Op::pop_scope);
    emit(Op::escape_end);
}

void Compiler::scoped_block(std::string_view end, Op scope) {
    end_block();
    emit(scope);
    body({end}, end.substr(3));
    emit(Op::pop_scope);
}

void Compiler::print_tag() {
    const std::size_t begin = at_;
    do {
        expression();
        emit_at(begin, Op::emit);
    } while (accept_sign(","));
}

// There is nothing that other templates could be loaded from.
void Compiler::loader_tag() {
    emit_at(at_ - 1, Op::fail, constant_text("no loader for this environment specified"));
    while (token().kind != TokenKind::block_end) ++at_;
}

}  // namespace linnet::chat
