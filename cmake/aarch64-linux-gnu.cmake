# SPDX-License-Identifier: MIT
# Toolchain: 64-bit Arm Linux by Debian's cross compiler (g++-aarch64-linux-gnu); programs run in an emulator
# (qemu-user) which has every instruction set that the kernels know. Libraries of headers only are the host's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu max)
# fmt's package file lies in the folder of the host's architecture; of fmt, too, only headers are used.
file(GLOB fmt_DIR /usr/lib/*-linux-gnu/cmake/fmt)
