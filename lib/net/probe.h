#pragma once

#include <cstdint>

#include "net/dissect.h"

namespace flowmark {

// Where nothing announces what follows (switch tags without an EtherType, L2TPv3 with a cookie of
// unknown length), a place is accepted only if an IP header there has a right version and lengths
// that fit. Answers: Step::ip; Step::not_ip; Step::truncated, if the bytes to tell were not
// captured.

/// Is there an IP header at `at`?
Step probe_ip(const Dissection& d, uint32_t at) noexcept;

/// Is there an EtherType at `at`, perhaps of one VLAN tag before another, that announces an IP
/// header which is there? `ip_at` is where, if so.
Step probe_ethertype(const Dissection& d, uint32_t at, uint32_t& ip_at) noexcept;

}  // namespace flowmark
