// SPDX-License-Identifier: MIT
// Tokens to code in one pass: each construct emits its instructions as it is read, so that chains of any length need no
// recursion; what nests (brackets, blocks) recurses, at most kMaxNesting deep.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chat/lexer.hpp"
#include "chat/program.hpp"

namespace linnet::chat {

class Compiler {
  public:
    explicit Compiler(Program& program);
    void run();

  private:
    // Below 1 KB of stack a level; templates of models need up to 18.
    static constexpr int kMaxNesting = 48;

    // Code that is put aside, to be emitted elsewhere or more than once.
    struct Piece {
        std::vector<Instruction> code;
        std::vector<std::uint32_t> where;
    };

    struct LoopContext {
        std::vector<std::size_t> continues, breaks;  // jumps to be placed
    };

    // Of the function that is being compiled: the template, a macro or a call block.
    struct Function {
        std::vector<LoopContext> loops;
        bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
    };

    class Nested {
      public:
        explicit Nested(Compiler& compiler) : compiler_(compiler) {
            if (++compiler_.nesting_ > kMaxNesting) compiler_.fail_nesting();
        }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;
        ~Nested() { --compiler_.nesting_; }

      private:
        Compiler& compiler_;
    };

    // --- tokens
    const Token& token() const noexcept { return tokens_[at_]; }
    const Token& next_token() const noexcept { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
    Token take() noexcept;
    bool accept_name(std::string_view name) noexcept;
    bool accept_sign(std::string_view sign) noexcept;
    void expect_sign(std::string_view sign);
    void expect(TokenKind kind);
    std::string_view expect_name();
    [[noreturn]] void fail(std::string_view message) const;
    [[noreturn]] void fail_unexpected(std::string_view expected) const;
    [[noreturn]] void fail_nesting() const;
    [[noreturn]] void fail_unclosed(std::size_t begin, std::initializer_list<std::string_view> ends,
                                    std::string_view opened) const;

    // --- code
    std::size_t emit(Op op, std::int32_t a = 0, std::uint8_t flag = 0);
    std::size_t emit_at(std::size_t token, Op op, std::int32_t a = 0, std::uint8_t flag = 0);
    void place(std::size_t jump);  // it goes to the next instruction
    void jump_back(Op op, std::size_t target);
    std::int32_t distance(std::size_t from, std::size_t to) const noexcept;
    Piece cut(std::size_t from);
    void paste(const Piece& piece);
    std::int32_t constant(const Value& value);
    std::int32_t constant_text(std::string_view text);
    std::int32_t name(std::string_view name);
    std::int32_t load_name(std::string_view name);  // and notes what a macro's body asks for

    // --- expressions (expressions.cpp)
    void expression();
    void conditional(std::size_t start);
    void climb(int min_level);
    void comparison_chain(Comparison op);
    void concatenation();
    void unary(bool with_filters);
    void primary();
    void primary_name();
    void string_literal();
    void number_literal();
    void list_literal();
    void dict_literal();
    void postfix();
    void subscript();
    bool subscribed();
    void filters();
    void filter_chain();
    void one_filter();
    void test();
    CallSite arguments();
    void call();
    // Returns whether it is a tuple; with `simple`, the items have no "if" of their own.
    bool tuple(bool simple = false, bool in_brackets = false);
    bool tuple_ends(bool simple) const noexcept;
    void unknown(std::size_t token, std::string_view kind, std::string_view name);

    // --- statements (statements.cpp)
    std::string_view body(std::initializer_list<std::string_view> ends, std::string_view opened = {});
    void end_block();
    void statement();
    void if_block();
    void for_block();
    void set_block();
    void macro_block();
    void call_block();
    void filter_block();
    void with_block();
    void escape_block();
    void scoped_block(std::string_view end, Op scope);
    void print_tag();
    void loader_tag();
    void loop_exit(bool is_break);
    // The code that stores the value on top.
    Piece target(bool with_attributes);
    void target_items(bool with_attributes, int depth);
    void target_item(bool with_attributes, int depth);
    std::vector<std::uint32_t> signature(Piece& defaults, std::uint32_t& n_defaults);
    std::int32_t function_body(std::string_view name, std::string_view end, std::vector<std::uint32_t> parameters,
                               const Piece& defaults, std::uint32_t n_defaults);

    Program& program_;
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int nesting_ = 0;
    int soft_ = 0;  // inside of branches, where an unknown filter fails only when it is reached
    std::optional<std::size_t> unknown_at_;  // code of one that is not inside of a branch
    std::string unknown_text_;
    std::size_t unknown_token_ = 0;
    std::size_t call_end_ = 0;  // the token after the last call
    std::vector<Function> functions_;
    std::unordered_map<std::string_view, std::int32_t> names_;
};

}  // namespace linnet::chat
