// The program `bartizan`: hands the command line to its sub-command.
#include "bartizan/cli/run.hpp"
#include "commands.hpp"

int main(int argc, char** argv) {
  return bartizan::cli::run(argc, argv, bartizan::app::local_commands(),
                            bartizan::cli::process_surroundings(BZ_VERSION));
}
