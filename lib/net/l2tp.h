#pragma once

#include "net/dissect.h"

namespace flowmark {

Step read_l2tp(Dissection& d) noexcept;     ///< in UDP: RFC 2661 (version 2), RFC 3931, 4.1.2 (3)
Step read_l2tp_ip(Dissection& d) noexcept;  ///< version 3 in IP: RFC 3931, 4.1.1

}  // namespace flowmark
