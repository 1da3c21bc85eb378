// SPDX-License-Identifier: MIT
// The families, most telling markers first, and the one template that all of them fill in.
#include "chat/family.hpp"

#include <algorithm>

#define FMT_HEADER_ONLY 1
#include <fmt/format.h>

namespace linnet::chat {

namespace {

// Full-width bars and word marks of DeepSeek's tokens.
#define LINNET_DS_USER "<\xef\xbd\x9cUser\xef\xbd\x9c>"
#define LINNET_DS_ASSISTANT \
    "<\xef\xbd\x9c"         \
    "Assistant\xef\xbd\x9c>"
#define LINNET_DS_END \
    "<\xef\xbd\x9c"   \
    "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"

// clang-format off
constexpr Family kFamilies[] = {
    {"phi-4", "<|im_sep|>", "", false, false, false,
     {"<|im_start|>system<|im_sep|>", "<|im_end|>"},
     {"<|im_start|>user<|im_sep|>", "<|im_end|>"},
     {"<|im_start|>assistant<|im_sep|>", "<|im_end|>"}, "<|im_start|>assistant<|im_sep|>"},
    {"llama-3", "<|start_header_id|>", "", true, true, false,
     {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
     {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
     {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"gemma-4", "<|turn>", "", true, true, false,
     {"<|turn>system\n", "<turn|>\n"}, {"<|turn>user\n", "<turn|>\n"}, {"<|turn>model\n", "<turn|>\n"},
     "<|turn>model\n"},
    {"gemma", "<start_of_turn>", "", true, true, true,
     {"", "\n\n"}, {"<start_of_turn>user\n", "<end_of_turn>\n"}, {"<start_of_turn>model\n", "<end_of_turn>\n"},
     "<start_of_turn>model\n"},
    {"granite", "<|start_of_role|>", "", false, false, false,
     {"<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n"},
     {"<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>\n"},
     {"<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>\n"},
     "<|start_of_role|>assistant<|end_of_role|>"},
    {"gpt-oss", "<|channel|>", "", false, false, false,
     {"<|start|>developer<|message|># Instructions\n\n", "\n\n<|end|>"}, {"<|start|>user<|message|>", "<|end|>"},
     {"<|start|>assistant<|channel|>final<|message|>", "<|end|>"}, "<|start|>assistant"},
    {"command-r", "<|START_OF_TURN_TOKEN|>", "", true, true, false,
     {"<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|END_OF_TURN_TOKEN|>"},
     {"<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>"},
     {"<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"},
     "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"},
    {"deepseek", LINNET_DS_USER, "", true, false, false,
     {"", ""}, {LINNET_DS_USER, ""}, {LINNET_DS_ASSISTANT, LINNET_DS_END}, LINNET_DS_ASSISTANT},
    {"chatml", "<|im_start|>", "", false, false, false,
     {"<|im_start|>system\n", "<|im_end|>\n"}, {"<|im_start|>user\n", "<|im_end|>\n"},
     {"<|im_start|>assistant\n", "<|im_end|>\n"}, "<|im_start|>assistant\n"},
    {"glm-4", "[gMASK]", "", false, false, false,
     {"<|system|>\n", ""}, {"<|user|>\n", ""}, {"<|assistant|>\n", ""}, "<|assistant|>", "[gMASK]<sop>"},
    {"mistral-v7", "[SYSTEM_PROMPT]", "", true, false, false,
     {"[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]"}, {"[INST] ", "[/INST]"}, {" ", "</s>"}, ""},
    {"mistral-nemo", "<SPECIAL_20>", "llama", true, false, true,
     {"", "\n\n"}, {"[INST]", "[/INST]"}, {"", "</s>"}, ""},
    {"mistral-v3", "[INST]", "", true, false, true,
     {"", "\n\n"}, {"[INST] ", "[/INST]"}, {" ", "</s>"}, ""},
    {"openchat", "<|end_of_turn|>", "", true, false, false,
     {"GPT4 Correct System: ", "<|end_of_turn|>"}, {"GPT4 Correct User: ", "<|end_of_turn|>"},
     {"GPT4 Correct Assistant: ", "<|end_of_turn|>"}, "GPT4 Correct Assistant:"},
    {"phi-4-mini", "<|tool_call|>", "phi3", false, false, false,
     {"<|system|>", "<|end|>"}, {"<|user|>", "<|end|>"}, {"<|assistant|>", "<|end|>"}, "<|assistant|>"},
    {"phi-3", "<|end|>", "phi3", false, false, false,
     {"<|system|>\n", "<|end|>\n"}, {"<|user|>\n", "<|end|>\n"}, {"<|assistant|>\n", "<|end|>\n"}, "<|assistant|>\n"},
    {"olmo-2", "", "olmo2", true, false, false,
     {"<|system|>\n", "\n"}, {"<|user|>\n", "\n"}, {"<|assistant|>\n", "<|endoftext|>\n"}, "<|assistant|>\n"},
    {"llama-2", "<s>", "llama", false, true, true,
     {"<<SYS>>\n", "\n<</SYS>>\n\n"}, {"<s>[INST] ", " [/INST]"}, {" ", " </s>"}, ""},
    {"mistral-v1", "", "", true, false, true,
     {"", "\n\n"}, {" [INST] ", " [/INST]"}, {" ", "</s>"}, ""},
    {"zephyr", "", "", false, false, false,
     {"<|system|>\n", "</s>\n"}, {"<|user|>\n", "</s>\n"}, {"<|assistant|>\n", "</s>\n"}, "<|assistant|>\n"},
    {"vicuna", "", "", true, false, false,
     {"", "\n\n"}, {"USER: ", "\n"}, {"ASSISTANT: ", "</s>\n"}, "ASSISTANT:"},
    {"plain", "", "", true, false, false, {"", "\n\n"}, {"", "\n\n"}, {"", "\n\n"}, ""},
};
// clang-format on

// {0}: BOS or another beginning, {1}: the content, {2} and {3}: the system's turn, {4} and {5}: the user's, {6} and
// {7}: the assistant's, {8}: the prompt.
constexpr const char* kSystemApart = "{{{{- {0} -}}}}{{{{- {1} -}}}}{{{{- {2} -}}}}";
constexpr const char* kSystemFirst = "{{%- set first.text = {0} + {1} + {2} -%}}";
constexpr const char* kTemplate =
    "{0}{{%- set first = namespace(text='') -%}}"
    "{{%- for message in messages -%}}"
    "{{%- if message.tool_calls -%}}"
    "{{{{- raise_exception('the built-in template shows no tool calls') -}}}}{{%- endif -%}}"
    "{{%- if message.role == 'system' or message.role == 'developer' -%}}{2}"
    "{{%- elif message.role == 'user' -%}}{{{{- {3} + first.text + {1} + {4} -}}}}{{%- set first.text = '' -%}}"
    "{{%- elif message.role == 'assistant' -%}}{{{{- {5} + {1} + {6} -}}}}"
    "{{%- else -%}}{{{{- raise_exception('the built-in template knows no role ' + message.role) -}}}}"
    "{{%- endif -%}}{{%- endfor -%}}"
    "{{%- if add_generation_prompt -%}}{{{{- {7} -}}}}{{%- endif -%}}";

std::string quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\n') {
            result += "\\n";
        } else {
            if (c == '\'' || c == '\\') result += '\\';
            result += c;
        }
    }
    return result + '\'';
}

bool is_special_token(const Tokenizer& tokenizer, std::string_view text, Memory& memory) {
    std::pmr::vector<Token> ids(&memory);
    tokenizer.encode(text, {.add_special = false}, ids);
    return ids.size() == 1 && tokenizer.is_special(ids[0]);
}

}  // namespace

std::span<const Family> families() noexcept { return kFamilies; }

const Family* find_family(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(std::begin(kFamilies), std::end(kFamilies), [&](const Family& f) { return f.name == name; });
    return found == std::end(kFamilies) ? nullptr : found;
}

const Family* family_of(const Tokenizer& tokenizer, std::string_view architecture, Memory& memory) {
    if (tokenizer.n_vocab() == 0) return nullptr;
    const auto* const found = std::find_if(std::begin(kFamilies), std::end(kFamilies), [&](const Family& family) {
        if (family.marker.empty() && family.architecture.empty()) return false;
        if (!family.architecture.empty() && family.architecture != architecture) return false;
        return family.marker.empty() || is_special_token(tokenizer, family.marker, memory);
    });
    return found == std::end(kFamilies) ? nullptr : found;
}

std::string template_of(const Family& family) {
    const std::string_view content = family.trim ? "message.content | trim" : "(message.content or '')";
    const std::string before = quoted(family.system.before), after = quoted(family.system.after);
    const std::string system = family.system_first ? fmt::format(fmt::runtime(kSystemFirst), before, content, after)
                                                   : fmt::format(fmt::runtime(kSystemApart), before, content, after);
    return fmt::format(fmt::runtime(kTemplate), family.bos ? "{{- bos_token -}}" : family.begin, content, system,
                       quoted(family.user.before), quoted(family.user.after), quoted(family.assistant.before),
                       quoted(family.assistant.after), quoted(family.prompt));
}

}  // namespace linnet::chat
