#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Includes point downwards only. A layer sees layers of a lower level and itself; src sees of kernels only the API;
# kernels see nothing of src; examples see the public headers; third-party headers stay where they belong.
import re

import project

LEVEL = {
    "src/base": 0,
    "src/gguf": 1,
    "src/arch": 2,
    "src/tokenizer": 2,
    "kernels/api": 3,
    "src/constrain": 3,
    "src/model": 4,
    "src/cache": 4,
    "src/quantize": 4,
    "src/sampling": 5,
    "src/chat": 5,
    "src/session": 6,
    "bindings/c": 7,
    "tools": 8,
    "benchmarks": 9,
}
SAME_LEVEL = {("src/model", "src/cache")}  # forward fills and reads the cache; never the other way
KERNELS = ["kernels/api", "kernels/formats", "kernels/simd", "kernels/generic", "kernels/isa"]
GENERATED = re.compile(r"linnet_(arch_list|format_list|format_includes|isa_list)\.hpp$")
THIRD_PARTY = {
    "fmt/": ("src", "bindings", "tools"),
    "nlohmann/": ("src/chat", "src/constrain", "tools"),
    "CLI/": ("tools",),
    "xsimd/": ("kernels/simd", "kernels/isa"),
    "Eigen/": ("examples",),
    "benchmark/": ("benchmarks",),
}
# The floating-point control register, which a host may have changed, and the pause of a spinning thread.
INTRINSICS_TOO = ("src/base/workers.cpp",)
INTRINSICS = re.compile(r"(\w*intrin|arm_neon|arm_sve|wasm_simd128)\.h$")


def layer_of(path):
    parts = path.as_posix().split("/")
    return parts[0] if parts[0] in ("tools", "benchmarks", "examples", "include") else "/".join(parts[:2])


def resolve(path, name):
    for folder in (path.parent, project.pathlib.Path("src"), project.pathlib.Path(), project.pathlib.Path("include")):
        candidate = (project.ROOT / folder / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(project.ROOT):
            return candidate.relative_to(project.ROOT)
    return None


def allowed(source, target):
    """Whether a file of layer `source` may include one of layer `target`."""
    if source == target:
        return True
    if source == "include":
        return False
    if source.startswith("kernels"):
        # The API knows nothing of what is behind it, and nobody includes an ISA.
        if source == "kernels/api":
            return target == "kernels/formats"
        return target in KERNELS and target != "kernels/isa"
    if target == "include":
        return source in ("bindings/c", "tools", "benchmarks", "examples")
    if source not in LEVEL or target not in LEVEL:
        return False
    return LEVEL[target] < LEVEL[source] or (source, target) in SAME_LEVEL


def check_third_party(path, line, name):
    place = path.as_posix()
    for prefix, homes in THIRD_PARTY.items():
        if name.startswith(prefix) and not any(place.startswith(home + "/") for home in homes):
            project.report(f"{path}:{line}", f"<{name}> belongs in {', '.join(homes)} only")
    if INTRINSICS.search(name) and not place.startswith("kernels/") and place not in INTRINSICS_TOO:
        project.report(f"{path}:{line}", f"<{name}>: intrinsics belong in kernels only")


files = project.sources("include", "src", "kernels", "bindings/c", "tools", "benchmarks", "examples")
n_includes = 0
for path in files:
    layer = layer_of(path)
    if layer not in LEVEL and layer not in KERNELS and layer not in ("include", "examples"):
        project.report(path, f"unknown layer '{layer}': give it a level in tests/checks/include_graph.py")
        continue
    text = project.code_only((project.ROOT / path).read_text(encoding="utf-8"))
    for line, content in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', content)
        if not match:
            continue
        n_includes += 1
        quoted, angled = match.groups()
        if angled:
            if layer != "examples" or not angled.startswith("linnet."):
                check_third_party(path, line, angled)
            continue
        if GENERATED.search(quoted):
            continue
        target = resolve(path, quoted)
        if target is None:
            project.report(f"{path}:{line}", f'"{quoted}" is no file of this project')
        elif not allowed(layer, layer_of(target)):
            project.report(f"{path}:{line}", f"{layer} must not include {target}")
project.finish(f"{len(files)} files, {n_includes} includes")
