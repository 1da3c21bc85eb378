// SPDX-License-Identifier: MIT
// What expressions and statements share: reading tokens and emitting code.
#include "chat/compiler.hpp"

#include <algorithm>

namespace linnet::chat {

namespace {

constexpr std::size_t kMaxSource = 512 << 10;  // bytes of a template
constexpr std::uint64_t kMaxMemory = 64 << 20, kMaxSteps = 8 << 20;

std::string_view describe(TokenKind kind) {
    switch (kind) {
        case TokenKind::data: return "text";
        case TokenKind::print_begin: return "begin of print statement";
        case TokenKind::print_end: return "end of print statement";
        case TokenKind::block_begin: return "begin of statement block";
        case TokenKind::block_end: return "end of statement block";
        case TokenKind::name: return "name";
        case TokenKind::string: return "string";
        case TokenKind::integer: return "integer";
        case TokenKind::real: return "float";
        case TokenKind::sign: return "operator";
        case TokenKind::end: break;
    }
    return "end of template";
}

// Line ends become \n, and the last one is dropped.
std::string_view normalized(Arena& arena, std::string_view source) {
    char* const begin = arena.allocate<char>(source.size());
    char* end = begin;
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r') {
            *end++ = '\n';
            if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
        } else {
            *end++ = source[i];
        }
    }
    if (end != begin && end[-1] == '\n') --end;
    return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

Compiler::Compiler(Program& program) : program_(program) {
    for (const std::string_view known : kKnownNames) name(known);
    functions_.emplace_back();
}

void Compiler::run() {
    tokens_ = tokenize(program_.arena, program_.source);
    body({});
    if (unknown_at_) throw_syntax(program_.source, tokens_[unknown_token_].offset, unknown_text_);
    emit(Op::returns);
}

Token Compiler::take() noexcept {
    const Token taken = token();
    if (at_ + 1 < tokens_.size()) ++at_;
    return taken;
}

bool Compiler::accept_name(std::string_view name) noexcept {
    const bool here = token().is_name(name);
    if (here) ++at_;
    return here;
}

bool Compiler::accept_sign(std::string_view sign) noexcept {
    const bool here = token().is_sign(sign);
    if (here) ++at_;
    return here;
}

void Compiler::expect_sign(std::string_view sign) {
    if (!accept_sign(sign)) fail_unexpected(format_text("'{}'", sign));
}

void Compiler::expect(TokenKind kind) {
    if (token().kind != kind) fail_unexpected(describe(kind));
    if (kind != TokenKind::end) ++at_;
}

std::string_view Compiler::expect_name() {
    if (token().kind != TokenKind::name) fail_unexpected("a name");
    return take().text;
}

void Compiler::fail(std::string_view message) const { throw_syntax(program_.source, token().offset, message); }

void Compiler::fail_unexpected(std::string_view expected) const {
    const bool shown = token().kind == TokenKind::name || token().kind == TokenKind::sign;
    fail(format_text("expected {}, got {}{}{}", expected, shown ? "'" : "",
                     shown ? token().text : describe(token().kind), shown ? "'" : ""));
}

void Compiler::fail_nesting() const {
    const Position position = position_of(program_.source, token().offset);
    throw Error(Status::unsupported, "chat template, line {}, column {}: nested more than {} deep", position.line,
                position.column, kMaxNesting);
}

std::size_t Compiler::emit_at(std::size_t token, Op op, std::int32_t a, std::uint8_t flag) {
    program_.arena.spend(1);
    program_.code.push_back({op, flag, a});
    program_.where.push_back(tokens_[token].offset);
    return program_.code.size() - 1;
}

std::size_t Compiler::emit(Op op, std::int32_t a, std::uint8_t flag) { return emit_at(at_, op, a, flag); }

std::int32_t Compiler::distance(std::size_t from, std::size_t to) const noexcept {
    return static_cast<std::int32_t>(to) - static_cast<std::int32_t>(from);
}

void Compiler::place(std::size_t jump) { program_.code[jump].a = distance(jump, program_.code.size()); }

void Compiler::jump_back(Op op, std::size_t target) {
    const std::size_t jump = emit(op);
    program_.code[jump].a = distance(jump, target);
}

Compiler::Piece Compiler::cut(std::size_t from) {
    const auto at = static_cast<std::ptrdiff_t>(from);
    Piece piece{{program_.code.begin() + at, program_.code.end()}, {program_.where.begin() + at, program_.where.end()}};
    program_.code.resize(from);
    program_.where.resize(from);
    return piece;
}

void Compiler::paste(const Piece& piece) {
    program_.code.insert(program_.code.end(), piece.code.begin(), piece.code.end());
    program_.where.insert(program_.where.end(), piece.where.begin(), piece.where.end());
}

std::int32_t Compiler::constant(const Value& value) {
    program_.constants.push_back(value);
    return static_cast<std::int32_t>(program_.constants.size() - 1);
}

std::int32_t Compiler::constant_text(std::string_view text) { return constant(borrowed(text)); }

std::int32_t Compiler::name(std::string_view name) {
    const auto [it, is_new] = names_.try_emplace(name, static_cast<std::int32_t>(program_.names.size()));
    if (is_new) program_.names.push_back(name);
    return it->second;
}

std::int32_t Compiler::load_name(std::string_view text) {
    const std::int32_t id = name(text);
    for (Function& function : functions_) {
        function.uses_varargs = function.uses_varargs || id == kVarargsName;
        function.uses_kwargs = function.uses_kwargs || id == kKwargsName;
        function.uses_caller = function.uses_caller || id == kCallerName;
    }
    return id;
}

Program compile(std::string_view source, std::pmr::memory_resource& memory) {
    if (source.size() > kMaxSource) {
        throw Error(Status::unsupported, "chat template: {} bytes are more than {}", source.size(), kMaxSource);
    }
    Program program(memory, kMaxMemory, kMaxSteps);
    program.source = normalized(program.arena, source);
    Compiler(program).run();
    return program;
}

}  // namespace linnet::chat
