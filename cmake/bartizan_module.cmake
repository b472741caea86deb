# bz_module(NAME n DEPS ... [LIBS ...] [PUBLIC_LIBS ...] SOURCES ... [TESTS ...] [FUZZ ...] [BENCH ...])
#
# Makes the static library bartizan_<n> (alias bartizan::<n>) whose only visible headers are
# src/<n>/include/bartizan/<n>/, one test binary <n>_tests from TESTS (doctest), one fuzz
# target per FUZZ source (libFuzzer, or a corpus replayer when BARTIZAN_FUZZ is off) and one
# benchmark binary <n>_bench from BENCH.
#   DEPS        modules, checked against cmake/modules.cmake
#   LIBS        third-party targets used inside the .cpp files only
#   PUBLIC_LIBS third-party targets that the public headers include

function(bz_permitted name out)
  foreach(line IN LISTS BZ_LAYERS)
    string(REGEX MATCH "^([a-z]+) *<-(.*)$" _ "${line}")
    if(CMAKE_MATCH_1 STREQUAL name)
      string(STRIP "${CMAKE_MATCH_2}" deps)
      string(REPLACE " " ";" deps "${deps}")
      set(${out} "${deps}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "module '${name}' does not stand in cmake/modules.cmake")
endfunction()

function(bz_add_modules)
  foreach(line IN LISTS BZ_LAYERS)
    string(REGEX MATCH "^([a-z]+)" name "${line}")
    if(BARTIZAN_MODULES AND NOT name IN_LIST BARTIZAN_MODULES)
      continue()
    endif()
    if(EXISTS ${CMAKE_SOURCE_DIR}/src/${name}/CMakeLists.txt)
      add_subdirectory(src/${name})
    endif()
  endforeach()
endfunction()

function(bz_module)
  cmake_parse_arguments(M "" "NAME" "DEPS;LIBS;PUBLIC_LIBS;SOURCES;TESTS;FUZZ;BENCH" ${ARGN})
  bz_permitted(${M_NAME} permitted)
  foreach(dep IN LISTS M_DEPS)
    if(NOT dep IN_LIST permitted)
      message(FATAL_ERROR "module '${M_NAME}' may not use '${dep}': cmake/modules.cmake permits it only: ${permitted}")
    endif()
  endforeach()

  set(lib bartizan_${M_NAME})
  add_library(${lib} STATIC ${M_SOURCES})
  add_library(bartizan::${M_NAME} ALIAS ${lib})
  target_include_directories(${lib} PUBLIC include PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${lib} PRIVATE bz_flags)
  foreach(dep IN LISTS M_DEPS)
    target_link_libraries(${lib} PUBLIC bartizan::${dep})
  endforeach()
  target_link_libraries(${lib} PUBLIC ${M_PUBLIC_LIBS} PRIVATE ${M_LIBS})

  if(BARTIZAN_TESTS AND M_TESTS)
    add_executable(${M_NAME}_tests ${M_TESTS} ${CMAKE_SOURCE_DIR}/cmake/doctest_main.cpp)
    target_include_directories(${M_NAME}_tests PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${M_NAME}_tests PRIVATE bz_flags bartizan::${M_NAME} ${M_LIBS})
    target_compile_definitions(${M_NAME}_tests PRIVATE
      BZ_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/test/data" BZ_SOURCE_ROOT="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${M_NAME} COMMAND ${M_NAME}_tests)
    set_tests_properties(${M_NAME} PROPERTIES LABELS unit TIMEOUT 120)
  endif()

  foreach(src IN LISTS M_FUZZ)
    get_filename_component(stem ${src} NAME_WE) # fuzz_frame
    set(target ${M_NAME}_${stem})
    if(BARTIZAN_FUZZ)
      add_executable(${target} ${src})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
      add_executable(${target} ${src} ${CMAKE_SOURCE_DIR}/cmake/fuzz_replay_main.cpp)
    endif()
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE bz_flags bartizan::${M_NAME} ${M_LIBS})
    if(BARTIZAN_TESTS AND NOT BARTIZAN_FUZZ)
      add_test(NAME replay_${target}
        COMMAND ${target} ${CMAKE_SOURCE_DIR}/tests/corpus/${target})
      set_tests_properties(replay_${target} PROPERTIES LABELS "fuzz-replay" TIMEOUT 120)
    endif()
  endforeach()

  if(BARTIZAN_BENCH AND M_BENCH)
    find_package(benchmark REQUIRED)
    add_executable(${M_NAME}_bench ${M_BENCH})
    target_include_directories(${M_NAME}_bench PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${M_NAME}_bench PRIVATE bz_flags bartizan::${M_NAME} ${M_LIBS} benchmark::benchmark benchmark::benchmark_main)
    add_test(NAME bench_${M_NAME} COMMAND ${M_NAME}_bench --benchmark_min_time=0.01)
    set_tests_properties(bench_${M_NAME} PROPERTIES LABELS "bench-smoke" TIMEOUT 120)
  endif()
endfunction()
