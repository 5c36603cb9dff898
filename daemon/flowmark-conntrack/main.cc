// flowmark-conntrack: the marks of flows in the kernel's connection tracking.

#include <CLI/CLI.hpp>

#include "actuator/layout_options.h"
#include "actuator/program.h"
#include "daemon/flowmark-conntrack/conntrack_store.h"

namespace flowmark {
namespace {

constexpr const char* kAbout =
    "flowmark-conntrack: writes each flow's mark into its entry of the kernel's connection "
    "tracking, "
    "so that tc's ctinfo and nft's 'ct mark' find it for packets of both directions.\n"
    "The mark is six bits of DSCP and one bit that says that there is a DSCP. Other bits stay. An "
    "entry is found by the addresses on either side of NAT.";

constexpr const char* kExamples =
    "\nExamples:\n"
    "  flowmark-conntrack                      tc: action ctinfo dscp 0xfc000000 0x01000000\n"
    "  flowmark-conntrack --mask 0xff --shift 0 --valid-bit 7\n"
    "                                          tc: action ctinfo dscp 0x3f 0x80\n"
    "                                          nft: ct mark & 0x80 != 0 meta mark set ct mark & "
    "0x3f\n"
    "  flowmark-conntrack --clear              takes all marks of ours away\n"
    "docs/actuators.md and docs/recipes/ say more.\n";

int run(int argc, char** argv) {
  LayoutOptions layout;
  ActuatorProgram program;
  program.name = "flowmark-conntrack";
  program.about = kAbout;
  program.examples = kExamples;
  program.add_options = [&](CLI::App& app) { add_layout_options(app, layout); };
  program.make_handler = [&](const ActuatorOptions& options, ActuatorCounters& counters,
                             Messages& messages) {
    auto store = std::make_unique<ConntrackStore>(layout.layout(), counters, messages);
    return std::make_unique<MarkKeeper>(std::move(store), counters, limits_of(options));
  };
  program.clear = [&](ActuatorCounters& counters, Messages& messages) {
    ConntrackStore(layout.layout(), counters, messages).reconcile({});
  };
  return run_actuator(argc, argv, program);
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  return flowmark::run(argc, argv);
}
