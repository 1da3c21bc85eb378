// SPDX-License-Identifier: MIT
// A chat template: Jinja source that is compiled once and then rendered any number of times, by any number of threads
// at once. What a template can do is bounded: it sees nothing but the values that it is given, and it costs no more
// than the limits say.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

#include "chat/builtin.hpp"
#include "chat/value.hpp"

namespace linnet::chat {

struct Limits {
    std::uint64_t steps = 2'000'000;  // about 10 ns each
    std::uint64_t value_bytes = 24 << 20;
    std::uint64_t output_bytes = 8 << 20;
    std::uint32_t depth = 200;  // of macros and recursive loops within one another
};

struct RenderOptions {
    Limits limits;
    std::optional<Moment> now;  // for strftime_now, which is undefined without it
};

struct Program;

class Template {
  public:
    // Throws Error: bad_file for what is no template, unsupported for one that is too large or nested too deep; the
    // text has line and column.
    static Template parse(std::string_view source, std::pmr::memory_resource& memory);
    Template(Template&&) noexcept;
    Template& operator=(Template&&) noexcept;
    ~Template();

    // `context` is a dict of variables. Throws Error: invalid_argument when the template fails, with line and column or
    // the text that it raises itself; unsupported when it needs more than the limits.
    std::pmr::string render(const Value& context, const RenderOptions& options,
                            std::pmr::memory_resource& memory) const;

  private:
    struct Free {
        std::pmr::memory_resource* memory;
        void operator()(Program* program) const noexcept;
    };
    explicit Template(std::unique_ptr<Program, Free> program) noexcept;

    std::unique_ptr<Program, Free> program_;
};

}  // namespace linnet::chat
