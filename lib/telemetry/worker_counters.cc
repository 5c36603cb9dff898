#include "telemetry/worker_counters.h"

namespace flowmark {

const char* to_string(Bypass reason) noexcept {
  switch (reason) {
    case Bypass::not_ip:
      return "not_ip";
    case Bypass::truncated_header:
      return "truncated_header";
    case Bypass::malformed_header:
      return "malformed_header";
    case Bypass::table_full:
      return "table_full";
    case Bypass::out_of_memory:
      return "out_of_memory";
    case Bypass::no_model:
      return "no_model";
    case Bypass::policy:
      return "policy";
    case Bypass::worker_busy:
      return "worker_busy";
    case Bypass::count_:
      break;
  }
  return "?";
}

const char* to_string(Drop reason) noexcept {
  switch (reason) {
    case Drop::tx_full:
      return "tx_full";
    case Drop::shutdown:
      return "shutdown";
    case Drop::worker_full:
      return "worker_full";
    case Drop::cut_off:
      return "cut_off";
    case Drop::over_mtu:
      return "over_mtu";
    case Drop::link_down:
      return "link_down";
    case Drop::stale:
      return "stale";
    case Drop::count_:
      break;
  }
  return "?";
}

const char* to_string(MarkSkip reason) noexcept {
  switch (reason) {
    case MarkSkip::already_marked:
      return "already_marked";
    case MarkSkip::already_right:
      return "already_right";
    case MarkSkip::report_only:
      return "report_only";
    case MarkSkip::ef_guard:
      return "ef_guard";
    case MarkSkip::measuring:
      return "measuring";
    case MarkSkip::trusted:
      return "trusted";
    case MarkSkip::count_:
      break;
  }
  return "?";
}

const char* to_string(Refusal reason) noexcept {
  switch (reason) {
    case Refusal::icmp:
      return "icmp";
    case Refusal::flow_rate:
      return "flow_rate";
    case Refusal::host_share:
      return "host_share";
    case Refusal::link_share:
      return "link_share";
    case Refusal::policy_share:
      return "policy_share";
    case Refusal::no_room:
      return "no_room";
    case Refusal::count_:
      break;
  }
  return "?";
}

const char* to_string(LadderStep step) noexcept {
  switch (step) {
    case LadderStep::all:
      return "all";
    case LadderStep::no_refinement:
      return "no_refinement";
    case LadderStep::cheapest:
      return "cheapest";
    case LadderStep::keep_marks:
      return "keep_marks";
    case LadderStep::count_:
      break;
  }
  return "?";
}

}  // namespace flowmark
