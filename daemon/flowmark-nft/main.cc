// flowmark-nft: the marks of flows in maps of nftables.

#include <CLI/CLI.hpp>
#include <map>

#include "actuator/layout_options.h"
#include "actuator/program.h"
#include "daemon/flowmark-nft/nft_store.h"

namespace flowmark {
namespace {

struct NftOptions {
  std::string table = "inet flowmark";
  NftValue value = NftValue::dscp;
  LayoutOptions layout;
  uint32_t timeout_s = 600;

  NftLanguage language() const { return {table, value, layout.layout()}; }
};

constexpr const char* kAbout =
    "flowmark-nft: keeps the flows that have a mark in the nftables maps flows4 and flows6, so "
    "that "
    "rules can look them up. The maps and their table are made where they are missing.\n"
    "A key is source address, destination address, protocol, source port, destination port, with "
    "the "
    "side that began the flow as its source. Elements have a timeout and vanish if this program "
    "dies.";

constexpr const char* kExamples =
    "\nExamples:\n"
    "  flowmark-nft                  maps of verdicts: each element jumps to a chain dscp_46, "
    "which\n"
    "                                writes the DSCP; a chain of this name that is there stays as "
    "it is\n"
    "    nft add rule inet flowmark forward ip saddr . ip daddr . meta l4proto . th sport . th "
    "dport\n"
    "      vmap @flows4              and the same with saddr/daddr and sport/dport exchanged\n"
    "  flowmark-nft --value mark     maps of packet marks, laid out as --shift and --valid-bit "
    "say\n"
    "    nft add rule inet flowmark forward meta mark set\n"
    "      ip saddr . ip daddr . meta l4proto . th sport . th dport map @flows4\n"
    "  flowmark-nft --clear          empties both maps\n"
    "docs/actuators.md and docs/recipes/ say more.\n";

void add_options(CLI::App& app, NftOptions& options) {
  app.add_option("--table", options.table, "Family and name of the table")->capture_default_str();
  app.add_option("--value", options.value, "What the maps say of a flow: dscp or mark")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, NftValue>{{"dscp", NftValue::dscp}, {"mark", NftValue::mark}}))
      ->default_str("dscp");
  app.add_option("--timeout-seconds", options.timeout_s,
                 "An element vanishes after this time; it is renewed at half of it")
      ->check(CLI::Range(10U, 86'400U))
      ->capture_default_str();
  add_layout_options(app, options.layout);
}

int run(int argc, char** argv) {
  NftOptions nft;
  ActuatorProgram program;
  program.name = "flowmark-nft";
  program.about = kAbout;
  program.examples = kExamples;
  program.add_options = [&](CLI::App& app) { add_options(app, nft); };
  program.make_handler = [&](const ActuatorOptions& options, ActuatorCounters& counters,
                             Messages& messages) {
    const NftStore::Limits limits{options.max_flows, nft.timeout_s};
    auto store = std::make_unique<NftStore>(nft.language(), limits, counters, messages);
    return std::make_unique<MarkKeeper>(std::move(store), counters, limits_of(options));
  };
  program.clear = [&](ActuatorCounters& counters, Messages& messages) {
    NftStore(nft.language(), {}, counters, messages).reconcile({});
  };
  return run_actuator(argc, argv, program);
}

}  // namespace
}  // namespace flowmark

int main(int argc, char** argv) {
  return flowmark::run(argc, argv);
}
