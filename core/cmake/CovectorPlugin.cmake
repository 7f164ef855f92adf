# covector_add_library(NAME SOURCES ... [PLAIN ...] [LINK ...] [PRIVATE_LINK ...])
#   A shared library of the tree: target covector_NAME, alias covector::NAME, headers in include/.
# covector_add_plugin(NAME [EXAMPLE] SOURCES ... [PLAIN ...] [LINK ...])
#   A plug-in module NAME.covector.so with its manifest NAME.covector.json beside it: target plugin_NAME. In the
#   build folder both lie in COVECTOR_PLUGIN_OUTPUT_DIRECTORY, which is what COVECTOR_PLUGIN_PATH wants.
#   An EXAMPLE is built beside them, in lib/covector/examples, and not installed.
# covector_add_test(NAME SOURCES ... [PLAIN ...] [LINK ...] [PLUGINS ...] [ENVIRONMENT ...])
#   A test program NAME_test: one CTest entry a source file, and one, labelled slow, for what is tagged [slow].
# Each of the three also takes PLAIN ...: sources that do not use torch and so do without the precompiled
# header, which costs seconds to load.
#
# The second is also there for projects that say find_package(covector).
if(NOT COVECTOR_PLUGIN_OUTPUT_DIRECTORY)
  set(COVECTOR_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/covector/plugins)
endif()

function(_covector_common target plain)
  set_source_files_properties(${plain} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  if(TARGET covector_warnings)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:covector_warnings>)
  endif()
  if(TARGET covector_pch)
    target_precompile_headers(${target} REUSE_FROM covector_pch)
  endif()
endfunction()

function(covector_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PLAIN;LINK;PRIVATE_LINK" ${ARGN})
  add_library(covector_${name} SHARED ${arg_SOURCES} ${arg_PLAIN})
  add_library(covector::${name} ALIAS covector_${name})
  set_target_properties(covector_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(covector_${name} PUBLIC cxx_std_20)
  target_include_directories(covector_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(covector_${name} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
  _covector_common(covector_${name} "${arg_PLAIN}")
  install(TARGETS covector_${name} EXPORT covector LIBRARY DESTINATION lib)
  install(DIRECTORY include/ DESTINATION include)
endfunction()

# Beside the module, made by opening it: which names of which kind it provides.
function(_covector_add_manifest target manifest)
  if(TARGET covector_manifest)
    set(tool covector_manifest)
  elseif(TARGET covector::manifest)
    set(tool covector::manifest)
  else()
    return()
  endif()
  set(without_leaks "")
  if(COVECTOR_SANITIZE)
    set(without_leaks ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0)  # its tests look for those
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${without_leaks} $<TARGET_FILE:${tool}> $<TARGET_FILE:${target}> ${manifest}
    BYPRODUCTS ${manifest} VERBATIM)
  # Another tool may write another manifest.
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS $<TARGET_FILE:${tool}>)
  add_dependencies(${target} ${tool})
endfunction()

function(covector_add_plugin name)
  cmake_parse_arguments(arg "EXAMPLE" "" "SOURCES;PLAIN;LINK" ${ARGN})
  set(target plugin_${name})
  set(folder ${COVECTOR_PLUGIN_OUTPUT_DIRECTORY})
  if(arg_EXAMPLE)
    set(folder ${CMAKE_BINARY_DIR}/lib/covector/examples)
  endif()
  add_library(${target} MODULE ${arg_SOURCES} ${arg_PLAIN})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE covector::core ${arg_LINK})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name}.covector
    LIBRARY_OUTPUT_DIRECTORY ${folder}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    INSTALL_RPATH "$ORIGIN/../..;${COVECTOR_TORCH_LIB}")
  _covector_common(${target} "${arg_PLAIN}")
  _covector_add_manifest(${target} ${folder}/${name}.covector.json)
  if(NOT arg_EXAMPLE)
    install(TARGETS ${target} LIBRARY DESTINATION lib/covector/plugins)
    install(FILES ${folder}/${name}.covector.json DESTINATION lib/covector/plugins OPTIONAL)
  endif()
endfunction()

function(covector_add_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;PLAIN;LINK;PLUGINS;ENVIRONMENT" ${ARGN})
  add_executable(${name}_test ${arg_SOURCES} ${arg_PLAIN})
  target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name}_test PRIVATE covector_test_support ${arg_LINK})
  target_compile_definitions(${name}_test PRIVATE
    COVECTOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}" COVECTOR_BINARY_DIR="${CMAKE_BINARY_DIR}")
  _covector_common(${name}_test "${arg_PLAIN}")
  foreach(plugin ${arg_PLUGINS})
    add_dependencies(${name}_test plugin_${plugin})
  endforeach()
  # Catch2 tags each test with the name of its file under -#, so one program serves an entry a file.
  set(entries "")
  foreach(source ${arg_SOURCES} ${arg_PLAIN})
    get_filename_component(file ${source} NAME_WE)
    if(file MATCHES "_test$")
      add_test(NAME ${name}/${file} COMMAND ${name}_test "-#" "[#${file}]~[slow]")
      list(APPEND entries ${name}/${file})
    endif()
  endforeach()
  add_test(NAME ${name}/slow COMMAND ${name}_test "[slow]")
  set_tests_properties(${name}/slow PROPERTIES LABELS slow)
  # Threads of OpenMP run several times slower beside another busy process, and CTest runs two.
  set_tests_properties(${entries} ${name}/slow PROPERTIES
    SKIP_REGULAR_EXPRESSION "No test cases matched;No tests ran"
    ENVIRONMENT "OMP_NUM_THREADS=1;COVECTOR_PLUGIN_PATH=${COVECTOR_PLUGIN_OUTPUT_DIRECTORY};${arg_ENVIRONMENT}")
endfunction()
