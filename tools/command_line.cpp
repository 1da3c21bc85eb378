// SPDX-License-Identifier: MIT
// Descriptions of options become CLI11's.
#include "tools/command_line.hpp"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

#include "tools/commands.hpp"

namespace tools {

namespace {

// Lines of at most kWidth where the words allow it.
std::string wrapped(std::string_view text) {
    constexpr std::size_t kWidth = 100;
    std::string result;
    std::size_t line = 0;  // start of the last one
    for (const char c : text) {
        result += c;
        if (c == '\n') line = result.size();
        if (result.size() - line <= kWidth) continue;
        const std::size_t space = result.rfind(' ');
        if (space == std::string::npos || space < line) continue;
        result[space] = '\n';
        line = space + 1;
    }
    return result;
}

// All but the value's type is the same for every option.
void apply(const Rule& rule, CLI::App& app, CLI::Option& option) {
    option.required(rule.required);
    if (rule.any_case) {
        option.transform(CLI::IsMember(rule.one_of, CLI::ignore_case));
    } else if (!rule.one_of.empty()) {
        option.check(CLI::IsMember(rule.one_of));
    }
    if (rule.bytes) option.transform(CLI::AsSizeValue(true));
    if (rule.show_default) option.capture_default_str();
    for (const std::string& other : rule.excludes) option.excludes(app.get_option(other));
    if (!rule.needs.empty()) option.needs(app.get_option(rule.needs));
}

CLI::Option& add_to(CLI::App& app, const char* names, bool& variable, const char* help, const Rule&) {
    return *app.add_flag(names, variable, help);
}

CLI::Option& add_to(CLI::App& app, const char* names, std::string& variable, const char* help, const Rule&) {
    return *app.add_option(names, variable, help);
}

CLI::Option& add_to(CLI::App& app, const char* names, std::vector<std::string>& variable, const char* help,
                    const Rule& rule) {
    CLI::Option& option = *app.add_option(names, variable, help);
    if (!option.get_positional()) option.allow_extra_args(false);
    if (rule.separator != 0) option.delimiter(rule.separator);
    if (rule.most > 0) option.expected(1, static_cast<int>(rule.most));
    return option;
}

template <class Number>
CLI::Option& add_to(CLI::App& app, const char* names, Number& variable, const char* help, const Rule& rule) {
    CLI::Option& option = *app.add_option(names, variable, help);
    if (rule.most > 0) option.check(CLI::Range(rule.least, rule.most));
    return option;
}

}  // namespace

void Command::add_option(const char* names, Target target, const char* help, const Rule& rule) const {
    std::visit([&](auto* variable) { apply(rule, *app_, add_to(*app_, names, *variable, help, rule)); }, target);
}

void Command::on_run(std::function<void()> action) const { app_->callback(std::move(action)); }

bool Command::given(const char* name) const { return app_->count(name) > 0; }

CommandLine::CommandLine(const char* about, const char* version)
    : app_(std::make_unique<CLI::App>(wrapped(about), "linnet")) {
    app_->set_version_flag("--version", version);
    app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::add(const char* name, const char* summary, const char* about, const char* example) {
    CLI::App& app = *app_->add_subcommand(name, summary);
    app.footer(wrapped(about) + "\n\nExample:\n  " + example);
    return Command(app);
}

void CommandLine::run(int argc, char** argv) {
    try {
        app_->parse(argc, argv);
    } catch (const CLI::Success& request) {  // --help, --version
        app_->exit(request);
    } catch (const CLI::ParseError& error) {
        throw UsageError(std::string(error.what()) + " (see linnet --help)");
    }
}

}  // namespace tools
