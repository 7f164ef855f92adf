# What `cmake --install` puts beside the libraries and plug-ins, which CovectorPlugin.cmake installs.
include(CMakePackageConfigHelpers)

foreach(program covector covector_manifest)
  if(TARGET ${program})
    install(TARGETS ${program} EXPORT covector RUNTIME DESTINATION bin)
  endif()
endforeach()
set_target_properties(covector_manifest PROPERTIES EXPORT_NAME manifest)

set(_package lib/cmake/covector)
install(EXPORT covector NAMESPACE covector:: DESTINATION ${_package} FILE covectorTargets.cmake)
configure_package_config_file(core/cmake/covectorConfig.cmake.in covectorConfig.cmake
  INSTALL_DESTINATION ${_package})
write_basic_package_version_file(covectorConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/covectorConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/covectorConfigVersion.cmake
  core/cmake/CovectorPlugin.cmake core/cmake/LibTorch.cmake DESTINATION ${_package})

install(DIRECTORY recipes DESTINATION share/covector)
install(DIRECTORY docs/ DESTINATION share/doc/covector)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION share/doc/covector OPTIONAL)
