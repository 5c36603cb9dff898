#include "learn/cnn/dropout.h"

namespace flowmark {

void drop_values(std::span<float> values, double share, size_t group, const KeyedRandom& random) {
  const CnnDropDraw draw(share, random);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = draw.lost(group > 0 ? i % group : i) ? 0 : values[i] * draw.scale();
  }
}

}  // namespace flowmark
