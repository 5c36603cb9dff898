// The papers' experiments as tables of cells. Published figures: those that the papers' texts give
// for the cell as it stands here; a figure whose exact setting is not sure is compared with the
// best or the mean of our cells instead.

#include <fmt/format.h>
#include <algorithm>

#include "experiment/experiment.h"

namespace flowmark {
namespace {

using Task = ExperimentCell::Task;

const std::vector<std::string> kTechniques = {"plain", "vpn", "tor"};
constexpr double kPublishedUnknown = 0.83;  // "and more", by application

std::optional<double> published_for(const std::string& technique, double plain, double vpn,
                                    double tor) {
  return technique == "plain" ? plain : technique == "vpn" ? vpn : tor;
}

FeatureSpec histogram(const std::string& kind, const PlanOptions& options) {
  return FeatureSpec::from_json(
      fmt::format(R"({{"kind":"{}","window_packets":{}}})", kind, options.window_packets),
      "experiment");
}

FeatureSpec picture(uint32_t pixels, double seconds, ValueKind values) {
  return FeatureSpec::from_json(
      fmt::format(
          R"({{"kind":"flowpic","window_s":{},"time_bins":{},"size_bins":{},"values":"{}"}})",
          seconds, pixels, pixels, to_string(values)),
      "experiment");
}

/// The technique that experiments on details are made with: the first that has two categories.
std::string plainest(const ExperimentData& data) {
  for (const std::string& technique : kTechniques) {
    if (data.categories(technique).size() > 1) {
      return technique;
    }
  }
  return kTechniques.front();
}

/// The paper's name for a category.
std::string paper_name(const std::string& category) {
  const auto one_of = [&](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), category) != names.end();
  };
  return one_of({"video", "streaming", "youtube"})             ? "video"
         : one_of({"file-transfer", "file transfer", "files"}) ? "file-transfer"
         : one_of({"browsing", "web"})                         ? "browsing"
                                                               : category;
}

void add_tunnel_models(ExperimentPlan& plan, const PlanOptions& options) {
  for (const std::string& technique : kTechniques) {
    ExperimentSummary best;
    best.table = "Kind of traffic, " + technique;
    best.row = "best of the nine";
    best.published = published_for(technique, 1.0, 0.968, 0.861);
    for (const std::string kind : {"size_iat", "burst_surge", "combined"}) {
      for (const char* learner : {"naive-bayes", "logistic", "forest"}) {
        ExperimentCell cell;
        cell.id = fmt::format("leroux/{}/{}/{}", technique, kind, learner);
        cell.table = best.table;
        cell.row = fmt::format("{}, {}", kind, learner);
        cell.train_on = cell.test_on = technique;
        cell.spec = histogram(kind, options);
        cell.learner = learner;
        if (technique == "plain" && kind == "combined" && cell.learner == "logistic") {
          cell.published = 1.0;
        }
        best.cells.push_back(cell.id);
        plan.cells.push_back(cell);
      }
    }
    plan.summaries.push_back(best);
  }
}

void add_background_rates(ExperimentPlan& plan, const ExperimentData& data,
                          const PlanOptions& options) {
  const std::string technique = data.categories("vpn").size() > 1 ? "vpn" : plainest(data);
  struct Rate {
    double pps;
    bool recorded;
  };
  std::vector<Rate> rates;
  for (const double rate : {0, 50, 100, 200, 300, 500}) rates.push_back({rate, false});
  for (const double rate : data.background_rates(technique)) rates.push_back({rate, true});
  for (const Rate& rate : rates) {
    ExperimentSummary best;
    best.table = "Background traffic, " + technique;
    const std::string name =
        fmt::format("{}{:g} packets/s", rate.recorded ? "recorded with " : "", rate.pps);
    best.row = name + ", better of the two";
    if (rate.pps == 300 && technique == "vpn") {
      best.published = 0.875;
    }
    for (const char* learner : {"logistic", "forest"}) {
      ExperimentCell cell;
      cell.id = fmt::format("leroux/background/{}{:g}/{}", rate.recorded ? "recorded-" : "",
                            rate.pps, learner);
      cell.table = best.table;
      cell.row = name + ", " + learner;
      cell.train_on = cell.test_on = technique;
      cell.spec = histogram("combined", options);
      cell.learner = learner;
      cell.background_pps = rate.pps;
      cell.recorded_background = rate.recorded;
      best.cells.push_back(cell.id);
      plan.cells.push_back(cell);
    }
    plan.summaries.push_back(best);
  }
}

void add_multi_label(ExperimentPlan& plan, const PlanOptions& options) {
  for (const std::string& technique : kTechniques) {
    for (const char* learner : {"naive-bayes", "logistic", "forest"}) {
      ExperimentCell cell;
      cell.id = fmt::format("leroux/multi-label/{}/{}", technique, learner);
      cell.table = "Several kinds at once";
      cell.row = fmt::format("{}, {}", technique, learner);
      cell.task = Task::multi_label;
      cell.train_on = cell.test_on = technique;
      cell.spec = histogram("combined", options);
      cell.learner = learner;
      if (technique == "vpn" && cell.learner == "forest") {
        cell.published = 0.839;
        cell.published_hamming = 0.046;
      }
      plan.cells.push_back(cell);
    }
  }
}

ExperimentCell picture_cell(const std::string& id, const std::string& table, const std::string& row,
                            const PlanOptions& options) {
  ExperimentCell cell;
  cell.id = "flowpic/" + id;
  cell.table = table;
  cell.row = row;
  cell.spec = picture(1500, options.block_s, options.values);
  cell.learner = options.learner;
  return cell;
}

void add_class_vs_all(ExperimentPlan& plan, const ExperimentData& data,
                      const PlanOptions& options) {
  std::vector<std::string> categories = data.categories();
  for (const char* papers : {"voip", "video", "file-transfer", "chat", "browsing"}) {
    if (std::none_of(categories.begin(), categories.end(),
                     [&](const std::string& own) { return paper_name(own) == papers; })) {
      categories.push_back(papers);
    }
  }
  for (const std::string& category : categories) {
    for (const std::string& train : kTechniques) {
      for (const std::string& test : kTechniques) {
        ExperimentCell cell = picture_cell(
            fmt::format("vs-all/{}/{}-{}", category, train, test), "Class against all",
            fmt::format("{}: trained on {}, tested on {}", category, train, test), options);
        cell.task = Task::class_vs_all;
        cell.target = category;
        cell.train_on = train;
        cell.test_on = test;
        plan.cells.push_back(cell);
      }
    }
  }
  for (const std::string& technique : kTechniques) {
    ExperimentSummary mean{"Class against all",
                           "mean of all classes, " + technique,
                           ExperimentSummary::Kind::mean,
                           {},
                           published_for(technique, 0.970, 0.997, 0.857)};
    for (const std::string& category : categories) {
      mean.cells.push_back(fmt::format("flowpic/vs-all/{}/{}-{}", category, technique, technique));
    }
    plan.summaries.push_back(mean);
  }
}

void add_applications(ExperimentPlan& plan, const ExperimentData& data,
                      const PlanOptions& options) {
  ExperimentCell known = picture_cell("application", "Applications", "which application", options);
  known.task = Task::application;
  known.published = 0.997;
  plan.cells.push_back(known);
  const std::vector<std::string> all = data.applications();
  ExperimentSummary mean{
      "Applications", "kept out, mean", ExperimentSummary::Kind::mean, {}, kPublishedUnknown};
  for (const std::string& application : all) {
    ExperimentCell cell =
        picture_cell("unknown/" + application, "Applications",
                     application + " kept out of training: its category", options);
    cell.task = Task::new_application;
    cell.target = application;
    mean.cells.push_back(cell.id);
    plan.cells.push_back(cell);
  }
  plan.summaries.push_back(mean);
}

void add_picture_forms(ExperimentPlan& plan, const ExperimentData& data,
                       const PlanOptions& options) {
  const std::string technique = plainest(data);
  const auto add = [&](const std::string& id, const std::string& table, const std::string& row,
                       const FeatureSpec& spec) {
    ExperimentCell cell = picture_cell(id, table, row, options);
    cell.train_on = cell.test_on = technique;
    cell.spec = spec;
    plan.cells.push_back(cell);
  };
  const std::string of = ", kind of traffic, " + technique;
  for (const int pixels : {1500, 300, 64, 32}) {
    add(fmt::format("pixels/{}", pixels), "Resolution" + of,
        fmt::format("{0} x {0} pixels", pixels),
        picture(static_cast<uint32_t>(pixels), options.block_s, options.values));
  }
  for (const ValueKind values : {ValueKind::count, ValueKind::binary, ValueKind::log1p}) {
    add(fmt::format("values/{}", to_string(values)), "What a pixel holds" + of,
        values == ValueKind::count    ? "number of packets"
        : values == ValueKind::binary ? "a packet or none"
                                      : "logarithm of 1 + number of packets",
        picture(1500, options.block_s, values));
  }
  for (const int seconds : {15, 30, 60, 120}) {
    add(fmt::format("block/{}", seconds), "Length of a block" + of, fmt::format("{} s", seconds),
        picture(1500, seconds, options.values));
  }
}

}  // namespace

ExperimentPlan leroux_plan(const ExperimentData& data, const PlanOptions& options) {
  ExperimentPlan plan;
  plan.name = "leroux";
  plan.title = "Fingerprinting encrypted network traffic types (Leroux et al., NOMS 2018)";
  plan.note =
      "Published figures were measured on the authors' own recordings, which are not public. "
      "Background here: packets drawn from all categories of the data, at random times, and what "
      "was recorded with background (`background`) by itself. Several "
      "kinds at once: the data's own mixtures (labels such as voip+chat) or, where it has none, "
      "recordings laid over each other.";
  add_tunnel_models(plan, options);
  add_background_rates(plan, data, options);
  add_multi_label(plan, options);
  return plan;
}

ExperimentPlan flowpic_plan(const ExperimentData& data, const PlanOptions& options) {
  ExperimentPlan plan;
  plan.name = "flowpic";
  plan.title =
      "FlowPic: Encrypted Internet Traffic Classification is as Easy as Image Recognition "
      "(Shapira & Shavitt, INFOCOM workshops 2019)";
  plan.note =
      "Published figures were measured on ISCX VPN-nonVPN 2016 and ISCX Tor 2016, classes balanced "
      "by undersampling, split by window. Ours are balanced accuracies.";
  for (const std::string& technique : kTechniques) {
    ExperimentCell cell =
        picture_cell("category/" + technique, "Kind of traffic", technique, options);
    cell.train_on = cell.test_on = technique;
    cell.published = published_for(technique, 0.850, 0.984, 0.678);
    plan.cells.push_back(cell);
  }
  ExperimentCell technique =
      picture_cell("technique", "Encryption technique", "plain, vpn or tor", options);
  technique.task = Task::technique;
  technique.published = 0.884;
  plan.cells.push_back(technique);
  ExperimentCell encryption =
      picture_cell("encryption", "Encryption technique", "as the data names them", options);
  encryption.task = Task::encryption;
  plan.cells.push_back(encryption);
  add_class_vs_all(plan, data, options);
  add_applications(plan, data, options);
  add_picture_forms(plan, data, options);
  return plan;
}

}  // namespace flowmark
