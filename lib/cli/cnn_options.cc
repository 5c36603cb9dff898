#include "cli/cnn_options.h"

#include "cli/choice.h"

namespace flowmark {

void add_cnn_learning_options(CLI::App& command, CnnTrainingOptions& cnn) {
  using Schedule = CnnTrainingOptions::Schedule;
  using Judge = CnnTrainingOptions::Judge;
  command.add_option("--batch", cnn.batch, "CNN: pictures a step")->capture_default_str();
  command.add_option("--learning-rate", cnn.learning_rate, "CNN: of Adam, at most")
      ->capture_default_str();
  add_choice(command, "--schedule", cnn.schedule,
             Names<Schedule>{{"constant", Schedule::constant}, {"cosine", Schedule::cosine}},
             "CNN: the learning rate stays, or rises over a twentieth of all epochs and falls to 0 "
             "along a cosine");
  command
      .add_option("--weight-decay", cnn.weight_decay,
                  "CNN: this share of the weights, times the learning rate, is lost each step")
      ->capture_default_str();
  add_choice(
      command, "--judge", cnn.judge,
      Names<Judge>{{"loss", Judge::loss}, {"accuracy", Judge::accuracy}, {"last", Judge::last}},
      "CNN: which epoch is best on validation data, by what; or the last one, without "
      "stopping early");
}

}  // namespace flowmark
