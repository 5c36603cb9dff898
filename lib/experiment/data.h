#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/manifest.h"
#include "feature/feature_spec.h"
#include "window/offline_windows.h"

namespace flowmark {

/// A recorded flow with all that experiments ask of it.
struct Recording {
  RecordedFlow flow;
  std::string category;       ///< the class: voip, video; of several at once "voip+chat"
  std::string application;    ///< the manifest's `application`, else the category
  std::string encryption;     ///< the manifest's `encryption` or `technique`, else "plain"
  std::string technique;      ///< the papers' classes of encryption: "plain", "vpn", "tor"
  std::string capture;        ///< the manifest's `capture`, else the file
  std::string group;          ///< `group`, else the session; empty if there is neither
  std::string split;          ///< laid down by the manifest: "train", "validation", "test" or empty
  double background_pps = 0;  ///< recorded with so much other traffic in it: `background`
};

/// "plain" of plain, nonvpn, none; "tor"; everything else that encrypts a whole stream is "vpn".
std::string technique_of(const std::string& encryption);

struct ExperimentData {
  std::vector<Recording> recordings;
  uint64_t left_out = 0;          ///< flows that no entry takes
  bool encryption_named = false;  ///< some entry says how its flows are encrypted

  /// Those that occur, sorted.
  std::vector<std::string> categories(const std::string& technique = "") const;
  std::vector<std::string> techniques() const;
  std::vector<std::string> encryptions() const;
  std::vector<std::string> applications() const;
  /// The rates of background traffic that recordings of a technique were made with, but 0.
  std::vector<double> background_rates(const std::string& technique) const;
  /// A number that changes with any packet or label.
  uint64_t digest() const;
};

/// Reads all flows of the sources into memory, in a fixed order. Throws Error naming file and flow.
ExperimentData load_experiment_data(const std::vector<DataSource>& sources);

/// A window of a recording, with counts as values.
struct RecordedWindow {
  uint32_t recording = 0;
  uint32_t number = 0;
  OfflineWindow::Side side = OfflineWindow::Side::both;
  uint32_t packets = 0;
  bool between = false;  ///< begins inside a block of the tiling (WindowRules::slide_us)
  uint64_t labels = 0;   ///< of mixtures: whose packets are in it, by index into the categories
  SparseWindow features;
};

/// What is cut and how thin it may be.
struct WindowRules {
  uint32_t min_packets = 11;    ///< more than 10, as in FlowPic
  double min_span = 50.0 / 60;  ///< pictures: share of the window between first and last packet
  bool short_flows = false;     ///< histograms: a flow of less than a window gives what it has
  bool first_only = false;      ///< each flow's first window only
  /// Pictures: besides the blocks that follow each other, those that begin so often in between, for
  /// training alone; must divide the block. 0: none.
  TimeUs slide_us = 0;
};

/// Cuts all recordings, in parallel, in a fixed order. With `background_pps` > 0 packets of other
/// conversations are laid over each first (add_background).
std::vector<RecordedWindow> cut_recordings(const std::vector<Recording>& recordings,
                                           const FeatureSpec& spec, const WindowRules& rules,
                                           double background_pps, uint64_t seed);

/// Lays background traffic over a flow from its first packet to its last: a Poisson process of so
/// many packets a second, sizes and directions drawn at random from all packets of `palette`.
RecordedFlow add_background(const RecordedFlow& flow, double packets_per_second,
                            const std::vector<FlowPacket>& palette, uint64_t seed);

/// What background is drawn from: of every category equally many packets, at random.
std::vector<FlowPacket> background_palette(const std::vector<Recording>& recordings, uint64_t seed);

}  // namespace flowmark
