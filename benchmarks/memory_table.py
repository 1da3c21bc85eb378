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
# w a window; e experts; c one LayerNorm for both halves; o biases of the output and of attention's only; d rotated
# dimensions; m more metadata; t more tensors, by a function of the model
MODELS = (
    ("Llama 3.2 1B", "llama", 16, 2048, 8192, 32, 8, 64, 128256, 131072, {}),
    ("Mistral 7B 0.3", "llama", 32, 4096, 14336, 32, 8, 128, 32768, 32768, {"u"}),
    ("Ministral 3 3B", "mistral3", 26, 3072, 9216, 32, 8, 128, 131072, 262144, {}),
    ("SmolLM 3 3B", "smollm3", 36, 2048, 11008, 16, 4, 128, 128256, 65536, {}),
    ("Qwen 2.5 1.5B", "qwen2", 28, 1536, 8960, 12, 2, 128, 151936, 32768, {"b"}),
    ("Qwen 3 4B", "qwen3", 36, 2560, 9728, 32, 8, 128, 151936, 40960, {"n"}),
    ("Qwen 3 30B-A3B", "qwen3moe", 48, 2048, 6144, 32, 4, 128, 151936, 40960, {"n": 1, "u": 1, "e": (128, 8, 768)}),
    ("Qwen 3.5 4B", "qwen35", 32, 2560, 9216, 16, 4, 256, 248320, 262144, {"n": 1, "t": "delta_nets"}),
    ("Qwen 3.6 35B-A3B", "qwen35moe", 40, 2048, 512, 16, 2, 256, 248320, 262144,
     {"n": 1, "u": 1, "e": (256, 8, 512), "t": "delta_nets"}),
    ("Qwen3-Next 80B-A3B", "qwen3next", 48, 2048, 5120, 16, 2, 256, 151936, 262144,
     {"n": 1, "u": 1, "e": (512, 10, 512), "t": "delta_nets"}),
    ("Phi-2", "phi2", 32, 2560, 10240, 32, 32, 80, 51200, 2048, {"l": 1, "B": 1, "g": 1, "u": 1, "c": 1, "d": 32}),
    ("Phi-3.5-MoE", "phimoe", 32, 4096, 6400, 32, 8, 128, 32064, 131072,
     {"l": 1, "b": 1, "o": 1, "u": 1, "e": (16, 2, 6400)}),
    ("Phi-4-mini", "phi3", 32, 3072, 8192, 24, 8, 128, 200064, 131072, {"f"}),
    ("Gemma 2 2B", "gemma2", 26, 2304, 9216, 8, 4, 256, 256000, 8192, {"p": 1, "w": 4096}),
    ("Gemma 3 4B", "gemma3", 34, 2560, 10240, 8, 4, 256, 262208, 131072, {"n": 1, "p": 1, "w": 1024}),
    ("Gemma 3n E2B", "gemma3n", 30, 2048, 8192, 8, 2, 256, 262400, 32768,
     {"n": 1, "p": 1, "w": 512, "t": "per_layer", "m": {"attention.shared_kv_layers": 10}}),
    ("Gemma 4 E2B", "gemma4", 35, 1536, 6144, 8, 1, 512, 262144, 131072,
     {"n": 1, "p": 1, "w": 512, "t": "per_layer", "m": {"attention.shared_kv_layers": 20}}),
    ("OLMo 2 1B", "olmo2", 16, 2048, 8192, 16, 16, 128, 100352, 4096, {"r", "p", "u", "x"}),
    ("Granite 3.3 2B", "granite", 40, 2048, 8192, 32, 8, 64, 49159, 131072, {}),
    ("Granite 3.1 3B-A800M", "granitemoe", 32, 1536, 512, 24, 8, 64, 49155, 131072, {"e": (40, 8, 512)}),
    ("Granite 4.0 H-Tiny", "granitehybrid", 40, 1536, 512, 12, 4, 128, 100352, 131072,
     {"e": (64, 6, 512), "t": "state_spaces"}),
    ("OLMoE 1B-7B", "olmoe", 16, 2048, 1024, 16, 16, 128, 50304, 4096, {"r": 1, "u": 1, "e": (64, 8, 1024)}),
    ("DeepSeek-V2-Lite", "deepseek2", 27, 2048, 10944, 16, 1, 576, 102400, 163840,
     {"u": 1, "e": (64, 6, 1408), "t": "latents"}),
    ("LFM2 1.2B", "lfm2", 16, 2048, 8192, 32, 8, 64, 65536, 128000, {"n": 1, "t": "short_convs"}),
    ("LFM2 8B-A1B", "lfm2moe", 24, 2048, 7168, 32, 8, 64, 65536, 128000,
     {"n": 1, "e": (32, 4, 1792), "t": "short_convs"}),
    ("Command R7B", "cohere2", 32, 4096, 14336, 32, 8, 128, 256000, 132096, {"c": 1, "w": 4096}),
    ("StableLM 2 1.6B", "stablelm", 24, 2048, 5632, 32, 32, 64, 100352, 4096, {"l": 1, "b": 1, "u": 1, "d": 16}),
    ("GLM-4 9B 0414", "glm4", 40, 4096, 13696, 32, 2, 128, 151552, 32768, {"p", "u"}),
    ("ERNIE 4.5 0.3B", "ernie4_5", 18, 1024, 3072, 16, 2, 128, 103424, 131072, {}),
    ("ERNIE 4.5 21B-A3B", "ernie4_5-moe", 28, 2560, 12288, 20, 4, 128, 103424, 131072,
     {"e": (64, 6, 1536), "t": "shared_experts"}),
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
    if isinstance(value, list):
        kind, code = {bool: (7, "?"), int: (5, "i"), float: (6, "f")}[type(value[0])]
        return text(key) + struct.pack(f"<IIQ{len(value)}{code}", 9, kind, len(value), *value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    return text(key) + struct.pack("<II", 4, value)


def describe(arch, n_layers, d_model, d_ff, n_heads, n_kv_heads, head_dim, n_vocab, n_ctx, special):
    """Metadata and tensors {name: (shape, is it of the embedding)}."""
    encoder = "E" in special
    layer_norm = encoder or "l" in special
    layer_epsilon = (layer_norm and arch != "phimoe") or arch == "cohere2"
    meta = {"block_count": n_layers, "context_length": n_ctx, "embedding_length": d_model, "feed_forward_length": d_ff,
            "attention.head_count": n_heads, "attention.head_count_kv": n_kv_heads, "rope.freq_base": 1e4,
            "attention.key_length": head_dim, "attention.value_length": head_dim,
            "attention.layer_norm_epsilon" if layer_epsilon else "attention.layer_norm_rms_epsilon": 1e-5}
    if "w" in special:
        meta["attention.sliding_window"] = special["w"]
    if encoder or arch == "gemma-embedding":
        meta["pooling_type"] = 1
    if arch == "glm4":
        meta["rope.dimension_count"] = head_dim // 2
    if "d" in special:
        meta["rope.dimension_count"] = special["d"]
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
        linear("output", d_model, n_vocab, bias="o" in special)
    q, kv = n_heads * head_dim, n_kv_heads * head_dim
    for i in range(n_layers):
        at = f"blk.{i}."
        if not encoder and "x" not in special:
            norm(at + "attn_norm")
            if "c" not in special:
                norm(at + ("post_attention_norm" if "s" in special else "ffn_norm"))
        if "q" in special or "f" in special:
            linear(at + "attn_qkv", d_model, q + 2 * kv)
        else:
            for part, n in (("q", q), ("k", kv), ("v", kv)):
                linear(at + "attn_" + part, d_model, n, bias="b" in special)
        linear(at + "attn_output", q, d_model, bias="s" in special or "o" in special)
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
    if arch in ("phi3", "phimoe"):
        n_rot = 96 if arch == "phi3" else head_dim
        meta.update({"rope.dimension_count": n_rot, "rope.scaling.original_context_length": 4096,
                     "rope.scaling.attn_factor": 1.19})
        tensors["rope_factors_long.weight"] = tensors["rope_factors_short.weight"] = (n_rot // 2,)
    meta.update(special.get("m", {}) if isinstance(special, dict) else {})
    if "t" in special:
        CHANGES[special["t"]](arch, meta, tensors)
    return meta, tensors


def drop_attention(tensors, at):
    for part in ("q", "k", "v", "output", "q_norm", "k_norm"):
        tensors.pop(f"{at}attn_{part}.weight", None)


def add_shared(meta, tensors, at, width):
    meta["expert_shared_feed_forward_length"] = width
    d_model = meta["embedding_length"]
    tensors[at + "ffn_gate_shexp.weight"] = tensors[at + "ffn_up_shexp.weight"] = (d_model, width)
    tensors[at + "ffn_down_shexp.weight"] = (width, d_model)


def make_dense(meta, tensors, n_layers):
    """The first n_layers without experts."""
    meta["leading_dense_block_count"] = n_layers
    d_model, d_ff = meta["embedding_length"], meta["feed_forward_length"]
    for i in range(n_layers):
        for part in ("ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"):
            del tensors[f"blk.{i}.{part}.weight"]
        tensors[f"blk.{i}.ffn_gate.weight"] = tensors[f"blk.{i}.ffn_up.weight"] = (d_model, d_ff)
        tensors[f"blk.{i}.ffn_down.weight"] = (d_ff, d_model)


def delta_nets(arch, meta, tensors):
    d_model, n_key_heads, n_value_heads, size = meta["embedding_length"], 16, 32, 128
    key, value = n_key_heads * size, n_value_heads * size
    meta.update({"ssm.group_count": n_key_heads, "ssm.time_step_rank": n_value_heads, "ssm.state_size": size,
                 "ssm.inner_size": value, "ssm.conv_kernel": 4, "full_attention_interval": 4,
                 "rope.dimension_count": 64})
    for i in range(meta["block_count"]):
        at = f"blk.{i}."
        tensors[at + "post_attention_norm.weight"] = tensors.pop(at + "ffn_norm.weight")
        if "expert_count" in meta:
            tensors[at + "ffn_gate_inp_shexp.weight"] = (d_model,)
            add_shared(meta, tensors, at, 512)
        if i % 4 == 3:
            n_in, n_out = tensors[at + "attn_q.weight"]
            tensors[at + "attn_q.weight"] = (n_in, 2 * n_out)  # with gates
            continue
        drop_attention(tensors, at)
        tensors[at + "attn_qkv.weight"] = (d_model, 2 * key + value)
        tensors[at + "attn_gate.weight"] = (d_model, value)
        tensors[at + "ssm_conv1d.weight"] = (4, 2 * key + value)
        tensors[at + "ssm_a"] = tensors[at + "ssm_dt.bias"] = (n_value_heads,)
        if arch == "qwen3next":
            tensors[at + "ssm_ba.weight"] = (d_model, 2 * n_value_heads)
        else:
            tensors[at + "ssm_alpha.weight"] = tensors[at + "ssm_beta.weight"] = (d_model, n_value_heads)
        tensors[at + "ssm_norm.weight"] = (size,)
        tensors[at + "ssm_out.weight"] = (value, d_model)


def keep_attention(meta, layers):
    n_kv_heads = meta["attention.head_count_kv"]
    meta["attention.head_count_kv"] = [n_kv_heads if i in layers else 0 for i in range(meta["block_count"])]


def state_spaces(_, meta, tensors):
    d_model, n_heads, size, d_state, attention = meta["embedding_length"], 48, 64, 128, (5, 15, 25, 35)
    width = n_heads * size
    keep_attention(meta, attention)
    meta.update({"ssm.group_count": 1, "ssm.time_step_rank": n_heads, "ssm.state_size": d_state,
                 "ssm.inner_size": width, "ssm.conv_kernel": 4})
    for i in range(meta["block_count"]):
        at = f"blk.{i}."
        add_shared(meta, tensors, at, 1024)
        if i in attention:
            continue
        drop_attention(tensors, at)
        tensors[at + "ssm_in.weight"] = (d_model, 2 * width + 2 * d_state + n_heads)
        tensors[at + "ssm_conv1d.weight"] = (4, width + 2 * d_state)
        tensors[at + "ssm_conv1d.bias"] = (width + 2 * d_state,)
        tensors[at + "ssm_dt.bias"] = (n_heads,)
        tensors[at + "ssm_a"] = tensors[at + "ssm_d"] = (1, n_heads)
        tensors[at + "ssm_norm.weight"] = (width,)
        tensors[at + "ssm_out.weight"] = (width, d_model)


def shared_experts(_, meta, tensors):
    make_dense(meta, tensors, 1)
    for i in range(1, meta["block_count"]):
        add_shared(meta, tensors, f"blk.{i}.", 3072)
        tensors[f"blk.{i}.exp_probs_b.bias"] = (meta["expert_count"],)


def short_convs(arch, meta, tensors):
    d_model, attention = meta["embedding_length"], (2, 5, 8, 10, 12, 14)
    if arch == "lfm2moe":
        attention = (2, 6, 10, 14, 18, 21)
        make_dense(meta, tensors, 2)
        for i in range(2, meta["block_count"]):
            tensors[f"blk.{i}.exp_probs_b.bias"] = (meta["expert_count"],)
    keep_attention(meta, attention)
    meta["shortconv.l_cache"] = 3
    tensors["token_embd_norm.weight"] = tensors.pop("output_norm.weight")
    for i in set(range(meta["block_count"])) - set(attention):
        at = f"blk.{i}."
        drop_attention(tensors, at)
        tensors[at + "shortconv.conv.weight"] = (3, d_model)
        tensors[at + "shortconv.in_proj.weight"] = (d_model, 3 * d_model)
        tensors[at + "shortconv.out_proj.weight"] = (d_model, d_model)


def latents(_, meta, tensors):
    d_model, n_heads, rank, plain, n_rot, value = meta["embedding_length"], 16, 512, 128, 64, 128
    meta.update({"attention.value_length": rank, "attention.kv_lora_rank": rank, "rope.dimension_count": n_rot,
                 "attention.key_length_mla": plain + n_rot, "attention.value_length_mla": value,
                 "expert_shared_count": 2})
    make_dense(meta, tensors, 1)
    width = 2 * meta["expert_feed_forward_length"]
    for i in range(meta["block_count"]):
        at = f"blk.{i}."
        drop_attention(tensors, at)
        tensors[at + "attn_q.weight"] = (d_model, n_heads * (plain + n_rot))
        tensors[at + "attn_kv_a_mqa.weight"] = (d_model, rank + n_rot)
        tensors[at + "attn_kv_a_norm.weight"] = (rank,)
        tensors[at + "attn_k_b.weight"] = (plain, rank, n_heads)
        tensors[at + "attn_v_b.weight"] = (rank, value, n_heads)
        tensors[at + "attn_output.weight"] = (n_heads * value, d_model)
        if i > 0:
            add_shared(meta, tensors, at, width)


def per_layer(arch, meta, tensors):
    n_layers, d_model, width, n_vocab = meta["block_count"], meta["embedding_length"], 256, 262144
    windowed = [i % 5 != 4 for i in range(n_layers)]
    meta.update({"embedding_length_per_layer_input": width, "attention.sliding_window_pattern": windowed})
    tensors["per_layer_token_embd.weight"] = (width * n_layers, n_vocab)
    tensors["per_layer_model_proj.weight"] = (d_model, width * n_layers)
    tensors["per_layer_proj_norm.weight"] = (width,)
    for i in range(n_layers):
        at = f"blk.{i}."
        tensors[at + "inp_gate.weight"] = (d_model, width)
        tensors[at + "proj.weight"] = (width, d_model)
        tensors[at + "post_norm.weight"] = (d_model,)
        if arch == "gemma3n":
            tensors[at + "altup_router.weight"] = (d_model, 4)
            tensors[at + "altup_predict_coef.weight"] = (4, 16)
            tensors[at + "altup_correct_coef.weight"] = (4, 4)
            tensors[at + "laurel_l.weight"], tensors[at + "laurel_r.weight"] = (d_model, 64), (64, d_model)
            for part in ("altup_router_norm", "altup_correct_scale", "laurel_post_norm"):
                tensors[f"{at}{part}.weight"] = (d_model,)
    if arch == "gemma3n":
        meta.update({"altup.num_inputs": 4,
                     "activation_sparsity_scale": [1.6448 if i < 10 else float("-inf") for i in range(n_layers)]})
        tensors["altup_proj.weight"] = tensors["altup_unembd_proj.weight"] = (d_model, d_model, 3)
        return
    # Heads of windowed layers have half the dimensions; layers that share keys have a hidden layer twice as wide.
    n_shared = meta["attention.shared_kv_layers"]
    widths = [meta["feed_forward_length"] * (1 if i < n_layers - n_shared else 2) for i in range(n_layers)]
    meta.update({"attention.key_length_swa": 256, "attention.value_length_swa": 256, "rope.dimension_count": 512,
                 "feed_forward_length": widths})
    tensors["rope_freqs.weight"] = (256,)
    for i in range(n_layers):
        at = f"blk.{i}."
        tensors[at + "ffn_gate.weight"] = tensors[at + "ffn_up.weight"] = (d_model, widths[i])
        tensors[at + "ffn_down.weight"] = (widths[i], d_model)
        if windowed[i]:
            for part in ("q", "k", "v"):
                n_in, n_out = tensors[f"{at}attn_{part}.weight"]
                tensors[f"{at}attn_{part}.weight"] = (n_in, n_out // 2)
            n_in, n_out = tensors[at + "attn_output.weight"]
            tensors[at + "attn_output.weight"] = (n_in // 2, n_out)
            tensors[at + "attn_q_norm.weight"] = tensors[at + "attn_k_norm.weight"] = (256,)


CHANGES = {change.__name__: change for change in (delta_nets, short_convs, latents, per_layer, state_spaces,
                                                   shared_experts)}


def type_of(name, shape, arch):
    if len(shape) == 1 or name.endswith(".bias") or "ffn_gate_inp" in name:
        return "F32"
    if name.startswith(("position_embd", "token_types")) or shape[0] % 32 != 0:
        return "F32"
    if "bert" in arch:
        return "F16"
    if arch == "gpt-oss" and "_exps" in name:
        return "MXFP4"
    if shape[0] % 256 != 0:
        return "Q8_0"
    return "Q6_K" if name.startswith(("token_embd", "per_layer_token_embd", "output")) else "Q4_K"


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
