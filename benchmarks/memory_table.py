#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# memory_table.py [LINNET]: the README's table of memory, from `linnet plan`. A plan reads nothing but a file's header,
# so each model here is a header with the shapes of its published configuration and no data behind it. Matrices are
# Q4_K, embedding and output Q6_K (Q8_0 where rows are no multiple of 256; experts of gpt-oss MXFP4; encoders F16).
import json
import os
import struct
import subprocess
import sys
import tempfile

CONTEXTS = (4096, 32768, 131072)
TYPES = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q8_0": (8, 32, 34), "Q4_K": (12, 256, 144), "Q6_K": (14, 256, 210),
         "MXFP4": (39, 32, 17)}

# name, arch, n_layers, d_model, d_ff, n_heads, n_kv_heads, head_dim, n_vocab, n_ctx, and what is special:
# b biases of q, k, v; n norms of heads' q and k; r of whole rows; p norms after the halves; u an output matrix;
# f fused q, k, v and gate, up; l LayerNorm with bias; B biases everywhere; g no gate; x no norms before the halves;
# w a window; e experts
MODELS = (
    ("Llama 3.2 1B", "llama", 16, 2048, 8192, 32, 8, 64, 128256, 131072, {}),
    ("Mistral 7B 0.3", "llama", 32, 4096, 14336, 32, 8, 128, 32768, 32768, {"u"}),
    ("SmolLM 3 3B", "smollm3", 36, 2048, 11008, 16, 4, 128, 128256, 65536, {}),
    ("Qwen 2.5 1.5B", "qwen2", 28, 1536, 8960, 12, 2, 128, 151936, 32768, {"b"}),
    ("Qwen 3 4B", "qwen3", 36, 2560, 9728, 32, 8, 128, 151936, 40960, {"n"}),
    ("Qwen 3 30B-A3B", "qwen3moe", 48, 2048, 6144, 32, 4, 128, 151936, 40960, {"n": 1, "u": 1, "e": (128, 8, 768)}),
    ("Phi-4-mini", "phi3", 32, 3072, 8192, 24, 8, 128, 200064, 131072, {"f"}),
    ("Gemma 2 2B", "gemma2", 26, 2304, 9216, 8, 4, 256, 256000, 8192, {"p": 1, "w": 4096}),
    ("Gemma 3 4B", "gemma3", 34, 2560, 10240, 8, 4, 256, 262208, 131072, {"n": 1, "p": 1, "w": 1024}),
    ("OLMo 2 1B", "olmo2", 16, 2048, 8192, 16, 16, 128, 100352, 4096, {"r", "p", "u", "x"}),
    ("Granite 3.3 2B", "granite", 40, 2048, 8192, 32, 8, 64, 49159, 131072, {}),
    ("GLM-4 9B 0414", "glm4", 40, 4096, 13696, 32, 2, 128, 151552, 32768, {"p", "u"}),
    ("ERNIE 4.5 0.3B", "ernie4_5", 18, 1024, 3072, 16, 2, 128, 103424, 131072, {}),
    ("gpt-oss 20B", "gpt-oss", 24, 2880, 2880, 64, 8, 64, 201088, 131072,
     {"u": 1, "b": 1, "w": 128, "s": 1, "e": (32, 4, 2880)}),
    ("StarCoder 2 3B", "starcoder2", 30, 3072, 12288, 24, 2, 128, 49152, 16384, {"l", "B", "g"}),
    ("GPT-2", "gpt2", 12, 768, 3072, 12, 12, 64, 50257, 1024, {"l", "B", "g", "q", "P"}),
    ("BGE small 1.5", "bert", 12, 384, 1536, 12, 12, 32, 30522, 512, {"E", "B", "g", "P"}),
    ("Nomic Embed 1.5", "nomic-bert", 12, 768, 3072, 12, 12, 64, 30528, 2048, {"E", "q"}),
    ("EmbeddingGemma", "gemma-embedding", 24, 768, 1152, 3, 1, 256, 262144, 2048, {"n": 1, "p": 1, "w": 512}),
)


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def entry(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    return text(key) + struct.pack("<II", 4, value)


def describe(arch, n_layers, d_model, d_ff, n_heads, n_kv_heads, head_dim, n_vocab, n_ctx, special):
    """Metadata and tensors {name: (shape, is it of the embedding)}."""
    encoder = "E" in special
    layer_norm = encoder or "l" in special
    meta = {"block_count": n_layers, "context_length": n_ctx, "embedding_length": d_model, "feed_forward_length": d_ff,
            "attention.head_count": n_heads, "attention.head_count_kv": n_kv_heads, "rope.freq_base": 1e4,
            "attention.key_length": head_dim, "attention.value_length": head_dim,
            "attention.layer_norm_epsilon" if layer_norm else "attention.layer_norm_rms_epsilon": 1e-5}
    if "w" in special:
        meta["attention.sliding_window"] = special["w"]
    if encoder or arch == "gemma-embedding":
        meta["pooling_type"] = 1
    if arch == "glm4":
        meta["rope.dimension_count"] = head_dim // 2
    tensors = {}

    def norm(name, n=d_model):
        tensors[name + ".weight"] = (n,)
        if layer_norm:
            tensors[name + ".bias"] = (n,)

    def linear(name, n_in, n_out, bias=False, n_matrices=None):
        tensors[name + ".weight"] = (n_in, n_out) if n_matrices is None else (n_in, n_out, n_matrices)
        if bias or "B" in special:
            tensors[name + ".bias"] = (n_out,) if n_matrices is None else (n_out, n_matrices)

    tensors["token_embd.weight"] = (d_model, n_vocab)
    if "P" in special:
        tensors["position_embd.weight"] = (d_model, n_ctx)
    if encoder:
        tensors["token_types.weight"] = (d_model, 2)
        norm("token_embd_norm")
    else:
        norm("output_norm")
    if "u" in special:
        tensors["output.weight"] = (d_model, n_vocab)
    q, kv = n_heads * head_dim, n_kv_heads * head_dim
    for i in range(n_layers):
        at = f"blk.{i}."
        if not encoder and "x" not in special:
            norm(at + "attn_norm")
            norm(at + ("post_attention_norm" if "s" in special else "ffn_norm"))
        if "q" in special or "f" in special:
            linear(at + "attn_qkv", d_model, q + 2 * kv)
        else:
            for part, n in (("q", q), ("k", kv), ("v", kv)):
                linear(at + "attn_" + part, d_model, n, bias="b" in special)
        linear(at + "attn_output", q, d_model, bias="s" in special)
        if "s" in special:
            tensors[at + "attn_sinks.weight"] = (n_heads,)
        if "n" in special or "r" in special:
            tensors[at + "attn_q_norm.weight"] = (head_dim if "n" in special else q,)
            tensors[at + "attn_k_norm.weight"] = (head_dim if "n" in special else kv,)
        if "p" in special:
            tensors[at + "post_attention_norm.weight"] = (d_model,)
            tensors[at + "post_ffw_norm.weight"] = (d_model,)
        if encoder:
            norm(at + "attn_output_norm")
            norm(at + "layer_output_norm")
        if "e" in special:
            n, n_used, width = special["e"]
            meta.update({"expert_count": n, "expert_used_count": n_used, "expert_feed_forward_length": width})
            tensors[at + "ffn_gate_inp.weight"] = (d_model, n)
            if "s" in special:
                tensors[at + "ffn_gate_inp.bias"] = (n,)
            for part, n_in, n_out in (("gate", d_model, width), ("up", d_model, width), ("down", width, d_model)):
                linear(at + f"ffn_{part}_exps", n_in, n_out, bias="s" in special, n_matrices=n)
            continue
        if "f" in special or arch == "glm4":
            linear(at + "ffn_up", d_model, 2 * d_ff)
        else:
            linear(at + "ffn_up", d_model, d_ff)
            if "g" not in special:
                linear(at + "ffn_gate", d_model, d_ff)
        linear(at + "ffn_down", d_ff, d_model)
    if arch == "phi3":
        meta.update({"rope.dimension_count": 96, "rope.scaling.original_context_length": 4096,
                     "rope.scaling.attn_factor": 1.19})
        tensors["rope_factors_long.weight"] = tensors["rope_factors_short.weight"] = (48,)
    return meta, tensors


def type_of(name, shape, arch):
    if len(shape) == 1 or name.endswith(".bias") or "ffn_gate_inp" in name:
        return "F32"
    if name.startswith(("position_embd", "token_types")):
        return "F32"
    if "bert" in arch:
        return "F16"
    if arch == "gpt-oss" and "_exps" in name:
        return "MXFP4"
    if shape[0] % 256 != 0:
        return "Q8_0"
    return "Q6_K" if name.startswith(("token_embd", "output")) else "Q4_K"


def write(path, arch, *shape):
    meta, tensors = describe(arch, *shape)
    values = [entry("general.architecture", arch)]
    values += [entry(f"{arch}.{key}", value) for key, value in meta.items()]
    if "bert" in arch:
        values.append(text(f"{arch}.attention.causal") + struct.pack("<IB", 7, 0))
    infos, size = [], 0
    for name, dims in tensors.items():
        kind, block, block_bytes = TYPES[type_of(name, dims, arch)]
        n = 1
        for d in dims:
            n *= d
        infos.append(text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, size))
        size += (n // block * block_bytes + 31) // 32 * 32
    header = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(values)) + b"".join(values) + b"".join(infos)
    with open(path, "wb") as out:
        out.write(header)
        out.truncate((len(header) + 31) // 32 * 32 + size)  # nothing is stored of it


def megabytes(n):
    return f"{n / 1e6:,.0f}" if n >= 1e7 else f"{n / 1e6:.1f}"


def main():
    linnet = sys.argv[1] if len(sys.argv) > 1 else "build/release/linnet"
    heads = [f"KV at {n // 1024}k" for n in CONTEXTS]
    print("| model | weights | " + " | ".join(heads) + " | scratch |")
    print("|" + "---|" * (len(heads) + 3))
    with tempfile.TemporaryDirectory() as folder:
        for name, arch, *shape in MODELS:
            path = os.path.join(folder, "model.gguf")
            write(path, arch, *shape)
            n_ctx = shape[7]
            cells, plan = [], None
            for context in CONTEXTS:
                if context > n_ctx and cells:
                    cells.append("")
                    continue
                context = min(context, n_ctx)
                answer = subprocess.run([linnet, "plan", path, "-c", str(context), "-t", "1", "--json"], check=True,
                                        capture_output=True, text=True)
                planned = json.loads(answer.stdout)
                plan = plan or planned
                note = "" if context in CONTEXTS else f" ({context})"
                cells.append(megabytes(planned["kv_bytes"]) + note)
            row = [name, megabytes(plan["weights_bytes"]), *cells, megabytes(plan["scratch_bytes"])]
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
