# SPDX-License-Identifier: MIT
# Instruction sets: one file kernels/isa/<isa>.cpp each, compiled with its own flags into its own object, which exports
# one kernel table and nothing else (a test looks at the symbols). All that the target has end up in one binary.
# kernels/api/*.cpp, which collects the tables, sees LINNET_HAVE_<ISA>=1 and linnet_isa_list.hpp with a line
# LINNET_ISA_TABLE(<isa>) for each.

string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
set(LINNET_X86_64 OFF)
if(LINNET_SIMD AND processor MATCHES "^(x86_64|amd64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(LINNET_X86_64 ON)
endif()
set(LINNET_AARCH64 OFF)
if(LINNET_SIMD AND processor MATCHES "^(aarch64|arm64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(LINNET_AARCH64 ON)
endif()
set(LINNET_ISAS "")
set(LINNET_SKIP_ISAS "" CACHE STRING "Instruction sets that are not built (a list)")

# linnet_add_isa(<isa> [X86_64 | AARCH64] [FLAGS <flag>...]): skipped for another processor.
function(linnet_add_isa isa)
    cmake_parse_arguments(PARSE_ARGV 1 arg "X86_64;AARCH64" "" "FLAGS")
    set(source ${PROJECT_SOURCE_DIR}/kernels/isa/${isa}.cpp)
    if((arg_X86_64 AND NOT LINNET_X86_64) OR (arg_AARCH64 AND NOT LINNET_AARCH64) OR NOT EXISTS ${source}
       OR isa IN_LIST LINNET_SKIP_ISAS)
        return()
    endif()
    add_library(linnet_isa_${isa} OBJECT ${source})
    target_link_libraries(linnet_isa_${isa} PRIVATE linnet_options)
    # Kernels are optimised in every configuration: unoptimised ones are some 50 times slower.
    # No exceptions: kernels throw none, and their personality routine would be a weak symbol of the object.
    # No errno: square roots are one instruction.
    target_compile_options(linnet_isa_${isa} PRIVATE
        ${arg_FLAGS} $<IF:$<CONFIG:Release>,-O3,-O2> -fno-exceptions -fno-math-errno)
    # Instrumented vector code takes minutes to compile: the tests of the kernels lay what it reads and writes beside
    # pages that cannot be touched.
    if(LINNET_SANITIZE AND NOT isa STREQUAL scalar)
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
    endif()
    list(APPEND LINNET_ISAS ${isa})
    set(LINNET_ISAS ${LINNET_ISAS} PARENT_SCOPE)
endfunction()

linnet_add_isa(scalar)
linnet_add_isa(avx2 X86_64 FLAGS -mavx2 -mfma -mf16c)
linnet_add_isa(avxvnni X86_64 FLAGS -mavx2 -mfma -mf16c -mavxvnni)
linnet_add_isa(avx512vnni X86_64 FLAGS -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni)
linnet_add_isa(neon AARCH64)
linnet_add_isa(neon_dotprod AARCH64 FLAGS -march=armv8.2-a+dotprod)
linnet_add_isa(neon_i8mm AARCH64 FLAGS -march=armv8.2-a+dotprod+i8mm)
