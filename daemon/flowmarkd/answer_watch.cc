#include "daemon/flowmarkd/answer_watch.h"

#include "daemon/flowmarkd/log.h"

namespace flowmark {

size_t AnswerWatch::look(const ModelSet& running, bool settled, const Counts& counts) {
  size_t lines = 0;
  for (size_t slot = 0; settled && slot < running.models().size(); ++slot) {
    if (counts[slot] <= seen_[slot]) continue;
    const ActiveModel& active = running.models()[slot];
    if (!told_.insert(active.model->sha256).second) continue;
    ++lines;
    log_error(
        "{}: {} answers with scores that are not finite; such windows get no verdict "
        "(flowmark_answers_not_finite_total): train it again",
        active.name, active.model->path);
  }
  seen_ = counts;
  return lines;
}

}  // namespace flowmark
