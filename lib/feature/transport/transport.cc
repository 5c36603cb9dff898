#include "feature/transport/transport.h"

#include <new>

#include "feature/json_object.h"
#include "feature/live_cut.h"
#include "feature/live_feature.h"

namespace flowmark {
namespace {

constexpr const char* kTransportName = "transport";
constexpr uint32_t kTransports = static_cast<uint32_t>(Transport::other);  // but unknown

class TransportReader final : public FeatureReader {
 public:
  void begin(Transport transport) noexcept { transport_ = transport; }
  bool step(uint32_t /*pieces*/, SparseWindow& out) noexcept override {
    out.clear();
    if (transport_ != Transport::unknown) {
      out.push_back({static_cast<uint32_t>(transport_) - 1, 1.0F});
    }
    return true;
  }

 private:
  Transport transport_ = Transport::unknown;
};

/// A state is the flow's Transport.
class LiveTransport final : public LiveFeature {
 public:
  size_t state_bytes() const noexcept override { return sizeof(Transport); }
  size_t most_values() const noexcept override { return 1; }
  void create(void* state, const FlowFacts& facts) const noexcept override {
    new (state) Transport(facts.transport);
  }
  uint32_t packets(const void* /*state*/, Direction /*direction*/,
                   const RecordRing& ring) const noexcept override {
    return ring.count;
  }
  uint32_t begin_read(const void* state, Direction /*direction*/, const RecordRing& ring,
                      FeatureReader& reader) const noexcept override {
    static_cast<TransportReader&>(reader).begin(
        *std::launder(static_cast<const Transport*>(state)));
    return ring.count;
  }
  std::unique_ptr<FeatureReader> make_reader() const override {
    return std::make_unique<TransportReader>();
  }
};

class TransportFeature final : public Feature {
 public:
  TransportFeature() : Feature(ValueKind::number) {}

  std::string_view kind() const noexcept override { return kTransportName; }
  std::string title() const override { return kTransportName; }
  uint32_t length() const noexcept override { return kTransports; }
  WindowExtent extent() const noexcept override { return {}; }
  bool has_directions() const noexcept override { return false; }
  float largest_value() const noexcept override { return 1; }
  void check(const std::string& /*where*/) const override {}
  void write(nlohmann::ordered_json& /*json*/) const override {}
  std::unique_ptr<const LiveFeature> live() const override {
    return std::make_unique<LiveTransport>();
  }
  void cut(const RecordedFlow& flow, const TilingOptions& options,
           const TakeWindow& take) const override {
    cut_live(flow, *this, options, take);
  }
  std::vector<Panel> panels() const override { return {}; }
};

}  // namespace

FeatureKind transport_kind() {
  return {{kTransportName},
          [](const std::string&, JsonObject&) { return std::make_shared<TransportFeature>(); },
          {},
          {}};
}

}  // namespace flowmark
