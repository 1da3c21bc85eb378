// SPDX-License-Identifier: MIT
// libFuzzer target for constraints: the first byte says what the rest is. What compiles has to give masks, take the
// tokens that they allow and refuse the others; what is refused is refused by an Error, and no memory is left.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "constrain/constrain_support.hpp"

namespace {

using namespace constrain_support;

const std::vector<std::string>& pieces() {
    static const std::vector<std::string> all = {"{\"",      "\": ", "\", \"",   "\"}", "[[", "]]", ", ",
                                                 "true",     "null", "12",       "0.5", "aa", "ab", "\"a",
                                                 "\xC3\xA9", "\n  ", "abcdefgh", "-1",  "((", "))"};
    return all;
}

Grammar compile(std::uint8_t kind, std::string_view text, Memory& memory) {
    switch (kind % 4) {
        case 0: return Grammar::from_schema(text, memory, kind % 8 == 0 ? Spaces::free : Spaces::none);
        case 1: return Grammar::from_gbnf(text, memory);
        case 2: return Grammar::from_regex(text, memory);
        default: {
            std::vector<std::string_view> choices;
            for (std::size_t at = 0; at <= text.size();) {
                const std::size_t end = std::min(text.find('\n', at), text.size());
                choices.push_back(text.substr(at, end - at));
                at = end + 1;
            }
            return Grammar::from_choices(choices, memory);
        }
    }
}

void use(const Grammar& grammar, const Vocabulary& vocabulary, std::size_t seed, Memory& memory) {
    Matcher matcher(grammar, vocabulary.trie(), memory, {.max_bytes = 16 << 20, .max_items = 500});
    std::vector<std::uint64_t> mask(matcher.n_words());
    for (std::size_t step = 0; step < 12 && !matcher.has_ended(); ++step) {
        if (matcher.fill_mask(mask) != Status::ok) return;
        std::vector<Token> allowed;
        for (std::size_t id = 0; id < vocabulary.size(); ++id) {
            const auto token = static_cast<Token>(id);
            const std::size_t n_steps = matcher.n_steps();
            const Status status = matcher.accept(token);
            if (status == Status::unsupported) return;
            if ((status == Status::ok) != has(mask, token)) __builtin_trap();
            if (status == Status::ok) allowed.push_back(token);
            matcher.rollback(n_steps);
        }
        std::pmr::string forced;
        if (matcher.forced_text(forced, 64) != Status::ok) return;
        if (allowed.empty()) {
            if (!matcher.is_complete() && !grammar.allows_nothing()) __builtin_trap();  // a dead end
            return;
        }
        matcher.accept(allowed[(seed + step * 7) % allowed.size()]);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 4096) return 0;
    static Memory vocabulary_memory;
    static const Vocabulary vocabulary(vocabulary_memory, pieces());
    Memory memory({}, 256 << 20);
    try {
        const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
        const Grammar grammar = compile(data[0], text, memory);
        use(grammar, vocabulary, size, memory);
    } catch (const Error&) {
    }
    if (memory.used() != 0) __builtin_trap();
    return 0;
}
