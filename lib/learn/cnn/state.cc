#include "learn/cnn/state.h"

#include <optional>

#include "base/error.h"
#include "learn/training_state.h"

namespace flowmark {
namespace {

constexpr uint64_t kCnnMagic = 0x32305254534e4e43;  // "CNNSTR02" as little-endian bytes
constexpr size_t kMaxEpochs = 1'000'000;

void add_shape(Digest& digest, const CnnShape& shape) {
  digest.add(shape.height);
  digest.add(shape.width);
  digest.add(shape.classes);
  digest.add(shape.conv_dropout);
  digest.add(static_cast<int>(shape.dropout_place));
  digest.add(shape.convs.size());
  for (const CnnConv& conv : shape.convs) {
    for (const uint32_t number :
         {conv.filters, conv.kernel, conv.stride, conv.pad_before, conv.pad_after, conv.pool}) {
      digest.add(number);
    }
  }
  digest.add(shape.hidden.size());
  for (const CnnHidden& layer : shape.hidden) {
    digest.add(layer.outputs);
    digest.add(layer.dropout);
  }
}

/// What is kept, for writing and reading.
template <typename Epoch>
auto epoch_fields(Epoch& epoch) {
  return std::tie(epoch.epoch, epoch.loss, epoch.accuracy, epoch.validation_loss,
                  epoch.validation_accuracy);
}

template <typename State>
auto progress_fields(State& state) {
  return std::tie(state.steps, state.best_epoch, state.stale, state.mark, state.best_loss,
                  state.best_accuracy);
}

}  // namespace

uint64_t training_digest(const ExampleSet& examples, std::span<const uint32_t> train,
                         std::span<const uint32_t> validation, const CnnTrainingOptions& options) {
  Digest digest;
  add_shape(digest, options.shape);
  digest.add(static_cast<int>(options.init));
  digest.add(options.start.has_value());
  if (options.start) {
    for (const auto* layers : {&options.start->convs, &options.start->dense}) {
      for (const CnnParameters::Layer& layer : *layers) {
        for (const float weight : layer.weights) digest.add(weight);
        for (const float bias : layer.bias) digest.add(bias);
      }
    }
  }
  for (const double number : {options.input_scale, options.learning_rate, options.beta1,
                              options.beta2, options.epsilon, options.min_improvement}) {
    digest.add(number);
  }
  digest.add(options.batch);
  digest.add(options.balanced);
  digest.add(static_cast<int>(options.judge));
  digest.add(options.weight_decay);
  digest.add(static_cast<int>(options.schedule));
  if (options.schedule == CnnTrainingOptions::Schedule::cosine) {
    digest.add(options.max_epochs);  // the learning rate goes by it
  }
  digest.add(options.seed);
  digest.add_rows(examples, train);
  digest.add_rows(examples, validation);
  return digest.value();
}

void write_training_state(const std::filesystem::path& path, uint64_t digest,
                          const CnnTrainingState& state) {
  StateWriter writer;
  writer.put_fields(progress_fields(state));
  writer.put(uint64_t{state.history.size()});
  for (const CnnEpoch& epoch : state.history) {
    writer.put_fields(epoch_fields(epoch));
  }
  for (const auto* array : {&state.parameters, &state.mean, &state.square, &state.best}) {
    writer.put_all(std::span<const float>(*array));
  }
  write_state_file(path, kCnnMagic, digest, writer);
}

bool read_training_state(const std::filesystem::path& path, uint64_t digest,
                         CnnTrainingState& state) {
  std::optional<StateReader> file = read_state_file(path, kCnnMagic, digest);
  if (!file) {
    return false;
  }
  StateReader& reader = *file;
  reader.get_fields(progress_fields(state));
  const auto epochs = reader.get<uint64_t>();
  if (epochs > kMaxEpochs) {
    fail("{}: {} epochs, at most {}", path.string(), epochs, kMaxEpochs);
  }
  state.history.resize(epochs);
  for (CnnEpoch& epoch : state.history) {
    reader.get_fields(epoch_fields(epoch));
  }
  for (auto* array : {&state.parameters, &state.mean, &state.square, &state.best}) {
    reader.get_all(std::span<float>(*array));
  }
  return true;
}

}  // namespace flowmark
