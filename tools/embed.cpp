// SPDX-License-Identifier: MIT
// linnet embed: vectors or scores of texts, a JSON object a line.
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "tools/api.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"

namespace tools {

namespace {

struct Options : SessionOptions {
    std::vector<std::string> texts;
    std::string file;
    std::string pooling = "default";
    bool truncate = false;
    bool raw = false;
};

// Texts of one call: the library works them out together, and what is done shows early.
constexpr std::size_t kTexts = 64;

std::int32_t pooling(const std::string& name) {
    static const std::vector<std::string> kNames = {"default", "none", "mean", "cls", "last", "rank"};
    return static_cast<std::int32_t>(std::find(kNames.begin(), kNames.end(), name) - kNames.begin());
}

// "[0.1,0.2]", each number as short as it can be read back.
std::string list(const float* x, std::size_t n) {
    std::string text = "[";
    for (std::size_t i = 0; i < n; ++i) fmt::format_to(std::back_inserter(text), "{}{}", i == 0 ? "" : ",", x[i]);
    return text + "]";
}

void print(const std::string& text, const char* name, const std::string& value) {
    std::cout << "{\"text\":" << nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)
              << ",\"" << name << "\":" << value << "}\n";
}

void embed_texts(const linnet::Model& model, const linnet::EmbedOptions& options,
                 const std::vector<std::string>& texts) {
    const std::vector<float> vectors = model.embed(texts, options);
    const linnet_model_info info = model.info();
    const std::int32_t kind = options.pooling == LINNET_POOLING_DEFAULT ? info.pooling : options.pooling;
    const float* x = vectors.data();
    for (const std::string& text : texts) {
        if (kind == LINNET_POOLING_NONE) {
            std::string rows;
            const std::size_t n = std::min<std::size_t>(model.tokenize(text, options.flags).size(),
                                                        options.n_ctx != 0 ? options.n_ctx : info.n_ctx_train);
            for (std::size_t i = 0; i < n; ++i, x += info.d_model) rows += (i == 0 ? "" : ",") + list(x, info.d_model);
            print(text, "states", "[" + rows + "]");
            continue;
        }
        const std::size_t n = vectors.size() / texts.size();
        print(text, kind == LINNET_POOLING_RANK ? "scores" : "embedding", list(x, n));
        x += n;
    }
    std::cout << std::flush;
}

void embed(const Options& options) {
    if (options.texts.empty() == options.file.empty()) throw UsageError("embed: give texts, or -f and a file of them");
    const linnet::Engine engine(engine_options(options));
    const linnet::Model model(engine, options.model, model_options(options));
    linnet::EmbedOptions embed_options;
    embed_options.pooling = pooling(options.pooling);
    embed_options.n_ctx = options.n_ctx;
    embed_options.truncate = options.truncate ? 1 : 0;
    embed_options.no_normalise = options.raw ? 1 : 0;
    std::ifstream opened;
    if (!options.file.empty() && options.file != "-") {
        opened.open(options.file);
        if (!opened) throw std::runtime_error(options.file + ": cannot be opened");
    }
    std::istream& lines = opened.is_open() ? opened : std::cin;
    auto given = options.texts.begin();
    const auto next = [&](std::string& text) {
        if (!options.file.empty()) return static_cast<bool>(std::getline(lines, text));
        if (given == options.texts.end()) return false;
        text = *given++;
        return true;
    };
    std::vector<std::string> texts;
    for (std::string text; next(text);) {
        texts.push_back(std::move(text));
        if (texts.size() < kTexts) continue;
        embed_texts(model, embed_options, texts);
        texts.clear();
    }
    if (!texts.empty()) embed_texts(model, embed_options, texts);
}

}  // namespace

void add_embed(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "embed", "Make vectors or scores of texts",
        "Makes a vector of each text, as the model's file says how (mean, first or last token), of length 1 unless "
        "--raw is given, and writes {\"text\", \"embedding\"}, one object a line. Models that rank write "
        "{\"text\", \"scores\"}: a text is then a query and a document, joined as the model's card says "
        "(\"query[SEP]document\" for BERT). --pooling none writes {\"text\", \"states\"}, a vector for each token. "
        "Decoders work as well when a pooling is given. -f reads a text from each line of a file (- for the "
        "standard input).",
        "linnet embed bge-small-en-v1.5.gguf \"a text\" \"another one\"");
    add_model_argument(command, *options);
    command.add_option("TEXT", &options->texts, "Texts");
    command.add_option("-f,--file", &options->file, "File with a text on each line; - for the standard input");
    command.add_option("--pooling", &options->pooling, "How tokens' states become one vector",
                       {.show_default = true, .one_of = {"default", "none", "mean", "cls", "last", "rank"}});
    command.add_option("-c,--ctx", &options->n_ctx, "Most tokens of a text (default: what the model was trained with)",
                       {.least = 1, .most = 1U << 24});
    command.add_option("--truncate", &options->truncate, "Cut longer texts instead of refusing them");
    command.add_option("--raw", &options->raw, "Do not divide vectors by their length");
    add_mapped_option(command, *options);
    add_engine_options(command, *options);
    command.on_run([options] { embed(*options); });
}

}  // namespace tools
