#pragma once

#include <string>

#include "base/keyed_random.h"
#include "window/offline_windows.h"

namespace flowmark {

/// What happens to a flow's packets between the wire and the classifier: a link or a full ring
/// loses some, a mirror shows some twice, paths of different length exchange neighbours, and a busy
/// reader gives all packets that wait for it one time. Shares are of all packets, from 0 to 1.
struct Impairment {
  double loss = 0;
  double loss_run = 1;       ///< packets lost in a row, on average; at least 1
  double duplicate = 0;      ///< a second copy follows at once
  double reorder = 0;        ///< changes places with the packet behind it
  TimeUs read_every_us = 0;  ///< a packet has the time of the next reading; 0: its own

  bool any() const noexcept {
    return loss > 0 || duplicate > 0 || reorder > 0 || read_every_us > 0;
  }
};

/// Reads "loss=0.05,loss-run=4,duplicate=0.01,reorder=0.02,read-every-ms=4". Throws Error beginning
/// with `where`: an unknown name, a number out of its range.
Impairment parse_impairment(const std::string& text, const std::string& where);

/// A copy of the flow as it would arrive; name, label and attributes stay. Lost packets are gone,
/// the direction's first ones too. The same for the same `random`.
RecordedFlow impair(const RecordedFlow& flow, const Impairment& how, const KeyedRandom& random);

/// Random amounts of everything: loss up to 10% in runs of up to 8, duplicates up to 2%, reordering
/// up to 5%, reading every 10 us to 10 ms. A quarter of the flows has none of each.
Impairment random_impairment(const KeyedRandom& random);

}  // namespace flowmark
