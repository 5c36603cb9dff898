#pragma once

#include "net/dissect.h"

namespace flowmark {

Step read_ip(Dissection& d) noexcept;
Step read_ip4(Dissection& d) noexcept;            ///< RFC 791
Step read_ip6(Dissection& d) noexcept;            ///< RFC 8200
Step read_ip6_extension(Dissection& d) noexcept;  ///< one header a step

}  // namespace flowmark
