# SPDX-License-Identifier: MIT
# The libraries. linnet: liblinnet.so, exporting the functions of linnet.h and needing libc, libm and pthreads only.
# linnet_static: the same objects as an archive. linnet_internal: the archive together with the headers of the layers
# inside (linnet_headers), for the tool, the tests and the benchmarks. linnet_core: an archive of the lower layers.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

# The ABI's numbers stand in the header and nowhere else.
file(STRINGS include/linnet.h abi_lines REGEX "^#define LINNET_ABI_(MAJOR|MINOR) ")
string(REGEX REPLACE ".*LINNET_ABI_MAJOR ([0-9]+).*" "\\1" LINNET_ABI_MAJOR "${abi_lines}")
string(REGEX REPLACE ".*LINNET_ABI_MINOR ([0-9]+).*" "\\1" LINNET_ABI_MINOR "${abi_lines}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS include/linnet.h)

file(GLOB arch_sources CONFIGURE_DEPENDS src/arch/*.cpp)
list(FILTER arch_sources EXCLUDE REGEX "/(arch_spec|registry|hparams)\\.cpp$")
linnet_generate_list(linnet_arch_list.hpp LINNET_ARCH ${arch_sources})
file(GLOB format_headers CONFIGURE_DEPENDS kernels/formats/*.hpp)
list(FILTER format_headers EXCLUDE REGEX "/(format|grids|points)\\.hpp$")
linnet_generate_list(linnet_format_list.hpp LINNET_FORMAT ${format_headers})
linnet_generate_includes(linnet_format_includes.hpp kernels/formats ${format_headers})
linnet_generate_list(linnet_isa_list.hpp LINNET_ISA_TABLE ${LINNET_ISAS})

# linnet_add_objects(<target> <source>...): library code; what it uses of other packages is compiled in.
function(linnet_add_objects target)
    add_library(${target} OBJECT ${ARGN})
    target_link_libraries(${target} PRIVATE linnet_options fmt::fmt-header-only nlohmann_json::nlohmann_json)
    target_compile_definitions(${target} PRIVATE LINNET_BUILDING LINNET_VERSION="${PROJECT_VERSION}")
    foreach(isa IN LISTS LINNET_ISAS)
        string(TOUPPER ${isa} upper)
        target_compile_definitions(${target} PRIVATE LINNET_HAVE_${upper}=1)
    endforeach()
endfunction()

# The layers up to src/model compute logits from a file; tests of kernels and logits need no others.
file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/*.cpp kernels/api/*.cpp)
set(core_sources ${sources})
set(core "/(src/(base|gguf|arch|tokenizer|model|cache)|kernels/api)/[^/]+$")
list(FILTER core_sources INCLUDE REGEX ${core})
list(FILTER sources EXCLUDE REGEX ${core})
linnet_add_objects(linnet_core_objects ${core_sources})
linnet_add_objects(linnet_objects ${sources})
linnet_precompile(linnet_core_objects)
linnet_precompile(linnet_objects linnet_core_objects)
file(GLOB binding_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bindings/c/*.cpp)
linnet_add_objects(linnet_bindings ${binding_sources})
linnet_precompile(linnet_bindings linnet_core_objects)

set(LINNET_CORE_OBJECTS $<TARGET_OBJECTS:linnet_core_objects>)
foreach(isa IN LISTS LINNET_ISAS)
    list(APPEND LINNET_CORE_OBJECTS $<TARGET_OBJECTS:linnet_isa_${isa}>)
endforeach()
set(LINNET_OBJECTS ${LINNET_CORE_OBJECTS} $<TARGET_OBJECTS:linnet_objects>)

linnet_generate_map(${PROJECT_SOURCE_DIR}/bindings/c/symbols.txt ${PROJECT_BINARY_DIR}/linnet.map)

# linnet_add_shared(<target> <object>...): a shared library with the exports and dependencies of liblinnet.so.
function(linnet_add_shared target)
    add_library(${target} SHARED ${ARGN} ${PROJECT_SOURCE_DIR}/bindings/c/shared/unload.cpp)
    target_link_libraries(${target} PRIVATE linnet_options Threads::Threads)
    target_link_options(${target} PRIVATE
        -static-libstdc++ -static-libgcc
        -Wl,--version-script=${PROJECT_BINARY_DIR}/linnet.map -Wl,--exclude-libs,ALL -Wl,--gc-sections
        -Wl,-z,max-page-size=16384)
    if(NOT LINNET_SANITIZE)  # a sanitizer's functions come from the program
        target_link_options(${target} PRIVATE -Wl,--no-undefined)
    endif()
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX LINK_DEPENDS ${PROJECT_BINARY_DIR}/linnet.map)
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()

linnet_add_shared(linnet ${LINNET_OBJECTS} $<TARGET_OBJECTS:linnet_bindings>)
set_target_properties(linnet PROPERTIES
    VERSION ${LINNET_ABI_MAJOR}.${LINNET_ABI_MINOR}.0 SOVERSION ${LINNET_ABI_MAJOR})

add_library(linnet_static STATIC ${LINNET_OBJECTS} $<TARGET_OBJECTS:linnet_bindings>)
set_target_properties(linnet_static PROPERTIES OUTPUT_NAME linnet LINKER_LANGUAGE CXX)
# C programs link it, too, so what the C++ inside needs is named.
target_link_libraries(linnet_static INTERFACE stdc++ m Threads::Threads)
target_include_directories(linnet_static INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

add_library(linnet_core STATIC EXCLUDE_FROM_ALL ${LINNET_CORE_OBJECTS})
set_target_properties(linnet_core PROPERTIES LINKER_LANGUAGE CXX)
target_link_libraries(linnet_core INTERFACE Threads::Threads)

add_library(linnet_headers INTERFACE)
target_link_libraries(linnet_headers INTERFACE linnet_options fmt::fmt-header-only nlohmann_json::nlohmann_json)
add_library(linnet_internal INTERFACE)
target_link_libraries(linnet_internal INTERFACE linnet_static linnet_headers)

add_library(linnet::linnet ALIAS linnet)
add_library(linnet::linnet_static ALIAS linnet_static)
