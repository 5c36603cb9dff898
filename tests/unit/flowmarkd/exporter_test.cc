#include "daemon/flowmarkd/exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "base/error.h"
#include "unit/runtime/model_files.h"

namespace flowmark {
namespace {

using ::testing::HasSubstr;

class ExporterTest : public ::testing::Test {
 protected:
  ExporterTest() {
    const auto model = folder_.path() / "m.onnx";
    testing::write_constant_model(model, 0);
    Settings settings;
    ModelSettings category;
    category.name = "category";
    category.path = model;
    settings.models.push_back(category);
    reloader_ = std::make_unique<Reloader>(settings, 1);
    for (int i = 0; i < 2; ++i) workers_.push_back(std::make_unique<WorkerCounters>());
    for (auto& worker : workers_) {
      worker->ports[0].rx_packets.add(100);
      worker->ports[1].tx_packets.add(99);
      worker->dropped[static_cast<size_t>(Drop::tx_full)].add(1);
      worker->bypassed[static_cast<size_t>(Bypass::not_ip)].add(3);
      worker->marked[46].add(40);
      worker->group_bytes_up[0].add(70);
      worker->models[0].group_bytes[1].add(30);
      worker->ports[1].dscp_change(0, 46).add(40);
      worker->busy_cycles.add(500);
      ModelCounters& counters = worker->models[0];
      counters.verdicts[0].add(3);
      counters.verdicts[1].add(1);
      counters.confidence_permille.observe(900);
      counters.time_to_verdict_ms.observe(1500);
      counters.inference_ns.observe(80'000);
    }
    exporter_ = std::make_unique<Exporter>(
        Exporter::Sources{workers_,
                          *reloader_,
                          1024,
                          1 << 20,
                          1000,
                          [] {
                            return std::vector<PortReport>{
                                {"net_null0", PortRole::lan, 7, 0, 0, 0},
                                {"net_null1", PortRole::wan, 0, 0, 0, 0, 3, LinkState::down}};
                          },
                          {"office"}});
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Reloader> reloader_;
  WorkerCountersList workers_;
  std::unique_ptr<Exporter> exporter_;
};

TEST_F(ExporterTest, AddsUpTheWorkers) {
  const std::string text = exporter_->text();
  for (const char* line :
       {"flowmark_packets_total{port=\"net_null0\",direction=\"rx\"} 200\n",
        "flowmark_packets_total{port=\"net_null1\",direction=\"tx\"} 198\n",
        "flowmark_port_missed_packets_total{port=\"net_null0\",reason=\"missed\"} 7\n",
        "flowmark_port_missed_packets_total{port=\"net_null1\",reason=\"tx_dropped\"} 3\n",
        "flowmark_port_up{port=\"net_null0\"} 1\n", "flowmark_port_up{port=\"net_null1\"} 0\n",
        "flowmark_dropped_packets_total{reason=\"tx_full\"} 2\n",
        "flowmark_bypassed_packets_total{reason=\"not_ip\"} 6\n",
        "flowmark_marked_packets_total{dscp=\"EF\"} 80\n",
        "flowmark_dscp_packets_total{port=\"net_null1\",received=\"DF\",sent=\"EF\"} 80\n",
        "flowmark_group_bytes_total{group=\"office\",direction=\"up\"} 140\n",
        "flowmark_group_class_bytes_total{group=\"office\",model=\"category\",class=\"streaming\"} "
        "60\n",
        "flowmark_verdicts_total{model=\"category\",class=\"voip\"} 6\n",
        "flowmark_class_share{model=\"category\",class=\"voip\"} 0.75\n",
        "flowmark_class_share_expected{model=\"category\",class=\"voip\"} 0.25\n",
        "flowmark_worker_seconds_total{worker=\"1\",state=\"busy\"} 0.5\n",
        "flowmark_reloads_total{outcome=\"loaded\"} 1\n", "flowmark_flow_capacity 1024\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, HasSubstr("sha256=\"" + reloader_->current()->models()[0].model->sha256));
}

TEST_F(ExporterTest, HistogramsAreCumulativeInTheirUnit) {
  const std::string text = exporter_->text();
  for (const char* line :
       {"flowmark_verdict_confidence_bucket{model=\"category\",le=\"0.85\"} 0\n",
        "flowmark_verdict_confidence_bucket{model=\"category\",le=\"0.9\"} 2\n",
        "flowmark_verdict_confidence_sum{model=\"category\"} 1.8\n",
        "flowmark_time_to_verdict_seconds_bucket{model=\"category\",le=\"1.023\"} 0\n",
        "flowmark_time_to_verdict_seconds_bucket{model=\"category\",le=\"2.047\"} 2\n",
        "flowmark_time_to_verdict_seconds_count{model=\"category\"} 2\n",
        "flowmark_inference_seconds_bucket{model=\"category\",le=\"+Inf\"} 2\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ExporterTest, AnAddressInUseIsAClearError) {
  exporter_->listen("127.0.0.1:0");  // any free port
  Exporter other(
      Exporter::Sources{workers_, *reloader_, 1, 1, 1, [] { return std::vector<PortReport>{}; }});
  try {
    other.listen("192.0.2.1:9477");  // TEST-NET-1: not ours
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("metrics.listen: value 192.0.2.1:9477"));
  }
}

TEST_F(ExporterTest, PromtoolFindsNothingWrong) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "promtool is not there";
  const auto file = folder_.path() / "metrics.txt";
  std::ofstream(file) << exporter_->text();
  EXPECT_EQ(std::system(("promtool check metrics <" + file.string()).c_str()), 0);
}

std::string read_all(const std::filesystem::path& file) {
  std::ifstream input(file);
  std::stringstream text;
  text << input.rdbuf();
  return text.str();
}

/// The metric names in a text, without the suffixes of a histogram and without recording rules
/// (level:metric:operation).
std::set<std::string> metric_names(const std::string& with_rules) {
  static const std::regex rule("[a-z_]+:flowmark_[a-z_]+:[a-z0-9_]+");
  const std::string text = std::regex_replace(with_rules, rule, "");
  static const std::regex name("flowmark_[a-z0-9_]+");
  static const std::regex suffix("_(bucket|sum|count)$");
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    names.insert(std::regex_replace(it->str(), suffix, ""));
  }
  return names;
}

class UsersOfMetrics : public ExporterTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(UsersOfMetrics, NameOnlyMetricsThatExist) {
  const auto real = metric_names(exporter_->text());
  const std::string text = read_all(std::filesystem::path(FLOWMARK_SOURCE_DIR) / GetParam());
  const auto used = metric_names(text);
  EXPECT_GT(used.size(), 5U);
  for (const std::string& name : used) EXPECT_TRUE(real.contains(name)) << name;
}

INSTANTIATE_TEST_SUITE_P(Files, UsersOfMetrics,
                         ::testing::Values("config/grafana/flowmark.json",
                                           "config/prometheus/flowmark.rules.yml",
                                           "docs/metrics.md"));

/// A metric as the page or its document describes it.
struct Description {
  std::string help;
  std::set<std::string> labels;
  bool operator==(const Description&) const = default;
};
void PrintTo(const Description& description, std::ostream* out) {
  *out << description.help << " labels:";
  for (const std::string& label : description.labels) *out << ' ' << label;
}

std::set<std::string> all_matches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    found.insert((*it)[1]);
  }
  return found;
}

std::map<std::string, Description> described_by_page(const std::string& text) {
  static const std::regex help("# HELP (\\S+) (.*)"), label("[{,]([a-z0-9_]+)=");
  std::map<std::string, Description> metrics;
  std::string name, line;
  for (std::istringstream lines(text); std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      name = match[1];
      metrics[name].help = match[2];
    } else if (line[0] != '#') {
      metrics[name].labels.merge(all_matches(line, label));
      metrics[name].labels.erase("le");  // of a histogram's buckets
    }
  }
  return metrics;
}

/// From the rows `| name | labels | help |`; values of labels stand in brackets.
std::map<std::string, Description> described_by_document(const std::string& text) {
  static const std::regex row("\\| `(flowmark_[a-z0-9_]+)` \\|(.*)\\| (.*) \\|");
  static const std::regex values("\\([^)]*\\)"), label("`([a-z0-9_]+)`");
  std::map<std::string, Description> metrics;
  std::string line;
  for (std::istringstream lines(text); std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    const auto labels = all_matches(std::regex_replace(match[2].str(), values, ""), label);
    EXPECT_TRUE(metrics.try_emplace(match[1], Description{match[3], labels}).second) << line;
  }
  return metrics;
}

TEST_F(ExporterTest, TheDocumentDescribesEveryMetricAsThePageDoes) {
  const auto page = described_by_page(exporter_->text());
  auto document = described_by_document(
      read_all(std::filesystem::path(FLOWMARK_SOURCE_DIR) / "docs/metrics.md"));
  for (const auto& [name, description] : page) {
    EXPECT_EQ(document[name], description) << name << ": its row in docs/metrics.md";
    document.erase(name);
  }
  for (const auto& [name, description] : document) ADD_FAILURE() << name << " is no metric";
}

TEST(Dashboard, IsJsonWithAQueryInEveryPanel) {
  const auto json = nlohmann::json::parse(
      read_all(std::filesystem::path(FLOWMARK_SOURCE_DIR) / "config/grafana/flowmark.json"));
  size_t panels = 0;
  for (const auto& panel : json["panels"]) {
    if (panel["type"] == "row") continue;
    ++panels;
    ASSERT_FALSE(panel["targets"].empty()) << panel["title"];
    for (const auto& target : panel["targets"]) {
      EXPECT_THAT(target["expr"].get<std::string>(), HasSubstr("flowmark_"));
    }
  }
  EXPECT_GT(panels, 8u);
}

}  // namespace
}  // namespace flowmark
