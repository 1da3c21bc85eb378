# SPDX-License-Identifier: MIT
# Installation: libraries, headers, the linnet program with its model, a CMake package (find_package(linnet) gives
# linnet::linnet, the shared library, and linnet::linnet_static) and linnet.pc. The prefix may be moved afterwards.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/linnet)

install(TARGETS linnet linnet_static EXPORT linnetTargets)
install(FILES include/linnet.h include/linnet.hpp TYPE INCLUDE)
if(TARGET linnet_tool)
    # The program looks for its default model in share/linnet/models of the prefix.
    install(TARGETS linnet_tool)
    install(FILES models/tiny-tales-6m-Q8_0.gguf DESTINATION ${CMAKE_INSTALL_DATADIR}/linnet/models)
endif()

install(EXPORT linnetTargets NAMESPACE linnet:: DESTINATION ${package_dir})
configure_package_config_file(cmake/linnetConfig.cmake.in ${PROJECT_BINARY_DIR}/linnetConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Compatible as the ABI is, the release number does not say: below 1.0 the minor number counts.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/linnetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/linnetConfig.cmake ${PROJECT_BINARY_DIR}/linnetConfigVersion.cmake
        DESTINATION ${package_dir})

# From lib/pkgconfig (or lib/<triple>/pkgconfig) up to the prefix.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE LINNET_PC_PREFIX)
configure_file(cmake/linnet.pc.in ${PROJECT_BINARY_DIR}/linnet.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/linnet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
