#include "learn/linear/linear_state.h"

#include "learn/training_state.h"

namespace flowmark {
namespace {

constexpr uint64_t kLinearMagic = 0x31305254534e494c;  // "LINSTR01" as little-endian bytes

/// What is kept of a strength, for writing and reading.
template <typename Trial>
auto fields(Trial& trial) {
  return std::tie(trial.strength, trial.iterations, trial.converged, trial.temperature,
                  trial.validation_loss, trial.validation_accuracy);
}

void put_fit(StateWriter& writer, const std::optional<LinearFit>& fit) {
  writer.put(fit.has_value());
  if (!fit) return;
  writer.put_all(std::span<const double>(fit->weights));
  writer.put_all(std::span<const double>(fit->intercepts));
  writer.put(fit->iterations);
  writer.put(fit->loss);
  writer.put(fit->converged);
}

std::optional<LinearFit> get_fit(StateReader& reader) {
  if (reader.get<uint8_t>() == 0) return std::nullopt;
  LinearFit fit;
  fit.weights = reader.get_all<double>();
  fit.intercepts = reader.get_all<double>();
  fit.iterations = reader.get<uint32_t>();
  fit.loss = reader.get<double>();
  fit.converged = reader.get<uint8_t>() != 0;
  return fit;
}

}  // namespace

uint64_t linear_digest(const ExampleSet& examples, std::span<const uint32_t> train,
                       std::span<const uint32_t> validation, const LinearTraining& options) {
  Digest digest;
  digest.add(static_cast<int>(options.type));
  digest.add(options.strengths.size());
  for (const double strength : options.strengths) digest.add(strength);
  digest.add(options.balanced);
  digest.add(options.refit);
  digest.add(options.patience);
  digest.add(examples.classes.size());
  digest.add(examples.feature_count);
  digest.add_rows(examples, train);
  digest.add_rows(examples, validation);
  return digest.value();
}

void write_linear_state(const std::filesystem::path& path, uint64_t digest,
                        const LinearState& state) {
  StateWriter writer;
  writer.put(uint64_t{state.trials.size()});
  for (const LinearTrial& trial : state.trials) {
    writer.put_fields(fields(trial));
  }
  writer.put(uint64_t{state.chosen});
  put_fit(writer, state.best);
  put_fit(writer, state.begun);
  write_state_file(path, kLinearMagic, digest, writer);
}

std::optional<LinearState> read_linear_state(const std::filesystem::path& path, uint64_t digest) {
  std::optional<StateReader> reader = read_state_file(path, kLinearMagic, digest);
  if (!reader) {
    return std::nullopt;
  }
  LinearState state;
  const auto trials = reader->get<uint64_t>();
  for (uint64_t i = 0; i < trials; ++i) {  // ends with the file at the latest
    LinearTrial trial;
    reader->get_fields(fields(trial));
    state.trials.push_back(trial);
  }
  state.chosen = reader->get<uint64_t>();
  state.best = get_fit(*reader);
  state.begun = get_fit(*reader);
  if (state.best.has_value() != !state.trials.empty() ||
      (state.best && state.chosen >= state.trials.size())) {
    reader->damaged("no fit for the best strength");
  }
  return state;
}

}  // namespace flowmark
