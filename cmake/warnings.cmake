# bz_flags: what every target of ours compiles with. Third-party headers are SYSTEM.
add_library(bz_flags INTERFACE)
target_compile_options(bz_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wcast-qual
  -Wnon-virtual-dtor -Wswitch-enum -Wformat=2 -Wundef
  $<$<BOOL:${BARTIZAN_WERROR}>:-Werror>)
