# SPDX-License-Identifier: MIT
# What every target of this project is compiled with. linnet_warnings: the warnings; linnet_options: besides, the
# language and the floating-point rules that keep results bit-identical (no contraction, no fast-math).
# linnet_precompile: for builds from scratch, most of whose time goes into standard headers.
include(CheckCXXCompilerFlag)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release)
endif()
find_program(LINNET_CCACHE ccache)
if(LINNET_CCACHE AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_C_COMPILER_LAUNCHER ${LINNET_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${LINNET_CCACHE})
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(linnet_warnings INTERFACE)
target_compile_options(linnet_warnings INTERFACE
    -Wall -Wextra -Wconversion -Wshadow $<$<BOOL:${LINNET_WERROR}>:-Werror>)
if(LINNET_SANITIZE)
    target_compile_options(linnet_warnings INTERFACE -fsanitize=${LINNET_SANITIZE} -fno-sanitize-recover=all
                                                     -fno-omit-frame-pointer)
    target_link_options(linnet_warnings INTERFACE -fsanitize=${LINNET_SANITIZE})
endif()
if(LINNET_COVERAGE)
    target_compile_options(linnet_warnings INTERFACE --coverage)
    target_link_options(linnet_warnings INTERFACE --coverage)
endif()

add_library(linnet_options INTERFACE)
target_link_libraries(linnet_options INTERFACE linnet_warnings)
target_compile_features(linnet_options INTERFACE cxx_std_20)
target_compile_options(linnet_options INTERFACE
    -ffp-contract=off -fno-fast-math
    -fPIC -fvisibility=hidden $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>
    -ffunction-sections -fdata-sections)
# Unique symbols would keep the library in the process after dlclose.
check_cxx_compiler_flag(-fno-gnu-unique LINNET_HAS_NO_GNU_UNIQUE)
if(LINNET_HAS_NO_GNU_UNIQUE)
    target_compile_options(linnet_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
endif()

target_include_directories(linnet_options INTERFACE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)

# linnet_precompile(<target> [<header>...]): common standard headers and these, for its C++ files.
# linnet_precompile(<target> <other target>): what the other one has, whose options have to be the same.
function(linnet_precompile target)
    if(NOT LINNET_PRECOMPILE)
        return()
    endif()
    if(TARGET "${ARGV1}")
        target_precompile_headers(${target} REUSE_FROM ${ARGV1})
        return()
    endif()
    foreach(header IN ITEMS ${PROJECT_SOURCE_DIR}/cmake/standard.hpp ${ARGN})
        string(REPLACE ">" "$<ANGLE-R>" header "${header}")
        target_precompile_headers(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${header}>)
    endforeach()
endfunction()
