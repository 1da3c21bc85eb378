// SPDX-License-Identifier: MIT
// A template owns its program, which lives in the memory that it was parsed with.
#include "chat/template.hpp"

#include <new>
#include <utility>

#include "chat/machine.hpp"
#include "chat/program.hpp"

namespace linnet::chat {

void Template::Free::operator()(Program* program) const noexcept {
    program->~Program();
    memory->deallocate(program, sizeof(Program), alignof(Program));
}

Template::Template(std::unique_ptr<Program, Free> program) noexcept : program_(std::move(program)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Template Template::parse(std::string_view source, std::pmr::memory_resource& memory) {
    Program program = compile(source, memory);
    void* const place = memory.allocate(sizeof(Program), alignof(Program));
    return Template(std::unique_ptr<Program, Free>(new (place) Program(std::move(program)), Free{&memory}));
}

std::pmr::string Template::render(const Value& context, const RenderOptions& options,
                                  std::pmr::memory_resource& memory) const {
    Arena arena(memory, options.limits.value_bytes, options.limits.steps);
    std::pmr::string out(&memory);
    Machine(*program_, context, options, arena, out).run();
    return out;
}

}  // namespace linnet::chat
