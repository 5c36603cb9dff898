#pragma once

#include <cstdint>

#include "mark/dscp.h"

namespace flowmark {

/// The marks that networks serve ahead of others or in a queue of their own. Who gets one is
/// admitted first (mark/admission.h), since a queue that everybody may use protects nobody.
enum class LiveMark : uint8_t {
  none,
  conference,  ///< class selector 4: AF41 to AF43 and CS4, video calls (RFC 4594, 4.3 and 4.4)
  expedited,   ///< class selectors 5 to 7: EF (RFC 3246), VA (RFC 5865), CS5 to CS7
};
inline constexpr int kLiveMarkCount = 3;

/// By the upper three bits, the class selector (RFC 2474, 4.2.2), so that unnamed code points have
/// a place too.
constexpr LiveMark live_mark_of(Dscp value) noexcept {
  const int selector = value >> 3;
  return selector >= 5   ? LiveMark::expedited
         : selector == 4 ? LiveMark::conference
                         : LiveMark::none;
}

}  // namespace flowmark
