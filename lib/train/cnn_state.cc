#include "train/cnn_state.h"

#include <unistd.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "train/cnn_random.h"

namespace flowmark {
namespace {

constexpr uint64_t kMagic = 0x31305254534e4e43;  // "CNNSTR01" as little-endian bytes
constexpr size_t kMaxEpochs = 1'000'000;

/// Hashes numbers, whatever their type, by their bits.
class Digest {
 public:
  template <typename T>
  void add(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      word(std::bit_cast<uint64_t>(static_cast<double>(value)));
    } else {
      word(static_cast<uint64_t>(value));
    }
  }
  void add_bytes(std::span<const char> bytes) {
    add(bytes.size());
    for (size_t i = 0; i < bytes.size(); i += 8) {
      uint64_t next = 0;
      std::memcpy(&next, bytes.data() + i, std::min<size_t>(8, bytes.size() - i));
      word(next);
    }
  }
  uint64_t value() const { return value_; }

 private:
  void word(uint64_t next) { value_ = mix64((value_ ^ next) + 0x9e3779b97f4a7c15ULL); }
  uint64_t value_ = 0;
};

void add_shape(Digest& digest, const CnnShape& shape) {
  digest.add(shape.height);
  digest.add(shape.width);
  digest.add(shape.classes);
  digest.add(shape.conv_dropout);
  digest.add(shape.drop_channels);
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

void add_rows(Digest& digest, const ExampleSet& examples, std::span<const uint32_t> rows) {
  digest.add(rows.size());
  for (const uint32_t row : rows) {
    digest.add(examples.info(row).class_index);
    for (const SparseValue& value : examples.row(row)) {
      digest.add(value.index);
      digest.add(value.value);
    }
  }
}

/// The file's bytes, one field after the other.
class Writer {
 public:
  template <typename T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const char*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(T));
  }
  void put_all(const AlignedVector<float>& values) {
    put(uint64_t{values.size()});
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    bytes_.insert(bytes_.end(), bytes, bytes + values.size() * sizeof(float));
  }
  const std::vector<char>& bytes() const { return bytes_; }

 private:
  std::vector<char> bytes_;
};

class Reader {
 public:
  Reader(std::span<const char> bytes, const std::filesystem::path& path)
      : bytes_(bytes), path_(path) {}

  template <typename T>
  T get() {
    T value;
    take(&value, sizeof(T));
    return value;
  }
  void get_all(AlignedVector<float>& values) {
    const auto size = get<uint64_t>();
    if (size != values.size()) {
      fail("{}: an array of {} numbers, must be {}", path_.string(), size, values.size());
    }
    take(values.data(), values.size() * sizeof(float));
  }

 private:
  void take(void* to, size_t size) {
    if (size > bytes_.size()) {
      fail("{}: the training state is cut off", path_.string());
    }
    std::memcpy(to, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
  }

  std::span<const char> bytes_;
  const std::filesystem::path& path_;
};

uint64_t checksum(std::span<const char> bytes) {
  Digest digest;
  digest.add_bytes(bytes);
  return digest.value();
}

void put_epoch(Writer& writer, const CnnEpoch& epoch) {
  writer.put(epoch.epoch);
  for (const double number :
       {epoch.loss, epoch.accuracy, epoch.validation_loss, epoch.validation_accuracy}) {
    writer.put(number);
  }
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
  digest.add(options.seed);
  add_rows(digest, examples, train);
  add_rows(digest, examples, validation);
  return digest.value();
}

void write_training_state(const std::filesystem::path& path, uint64_t digest,
                          const CnnTrainingState& state) {
  Writer writer;
  writer.put(kMagic);
  writer.put(digest);
  writer.put(state.steps);
  writer.put(state.best_epoch);
  writer.put(state.stale);
  writer.put(state.mark);
  writer.put(state.best_loss);
  writer.put(state.best_accuracy);
  writer.put(uint64_t{state.history.size()});
  for (const CnnEpoch& epoch : state.history) {
    put_epoch(writer, epoch);
  }
  writer.put_all(state.parameters);
  writer.put_all(state.mean);
  writer.put_all(state.square);
  writer.put_all(state.best);
  writer.put(checksum(writer.bytes()));
  const std::filesystem::path partial = path.string() + ".partial." + std::to_string(::getpid());
  std::error_code ignored;
  {
    std::ofstream stream(partial, std::ios::binary | std::ios::trunc);
    stream.write(writer.bytes().data(), static_cast<std::streamsize>(writer.bytes().size()));
    stream.close();
    if (!stream) {
      std::filesystem::remove(partial, ignored);
      fail("{}: the training state cannot be written", partial.string());
    }
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) {
    std::filesystem::remove(partial, ignored);
    fail("{}: cannot be replaced: {}", path.string(), error.message());
  }
}

bool read_training_state(const std::filesystem::path& path, uint64_t digest,
                         CnnTrainingState& state) {
  if (!std::filesystem::exists(path)) {
    return false;
  }
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.eof() && stream.fail()) {
    fail("{}: cannot be read", path.string());
  }
  Reader reader(bytes, path);
  if (reader.get<uint64_t>() != kMagic) {
    fail("{}: not a training state of this version", path.string());
  }
  const size_t content = bytes.size() - sizeof(uint64_t);
  uint64_t sum = 0;
  std::memcpy(&sum, bytes.data() + content, sizeof sum);
  if (sum != checksum({bytes.data(), content})) {
    fail("{}: the training state is damaged; remove it to start anew", path.string());
  }
  if (reader.get<uint64_t>() != digest) {
    fail("{}: the state of a training with other data or options; remove it to start anew",
         path.string());
  }
  state.steps = reader.get<uint64_t>();
  state.best_epoch = reader.get<uint32_t>();
  state.stale = reader.get<uint32_t>();
  state.mark = reader.get<double>();
  state.best_loss = reader.get<double>();
  state.best_accuracy = reader.get<double>();
  const auto epochs = reader.get<uint64_t>();
  if (epochs > kMaxEpochs) {
    fail("{}: {} epochs, at most {}", path.string(), epochs, kMaxEpochs);
  }
  state.history.resize(epochs);
  for (CnnEpoch& epoch : state.history) {
    epoch.epoch = reader.get<uint32_t>();
    epoch.loss = reader.get<double>();
    epoch.accuracy = reader.get<double>();
    epoch.validation_loss = reader.get<double>();
    epoch.validation_accuracy = reader.get<double>();
  }
  reader.get_all(state.parameters);
  reader.get_all(state.mean);
  reader.get_all(state.square);
  reader.get_all(state.best);
  return true;
}

}  // namespace flowmark
