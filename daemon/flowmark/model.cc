// flowmark model: look into model files, check them, sign them.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/json_lines.h"
#include "daemon/flowmark/commands.h"
#include "model/model.h"
#include "model/onnx/signature.h"

namespace flowmark {
namespace {

using Json = nlohmann::ordered_json;

struct ModelOptions {
  std::string path;
  std::string key_file;
  std::vector<std::string> trusted;
  bool require_golden = false;
  bool json = false;
};

std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    fail("{}: cannot be read", path.string());
  }
  return text.str();
}

Json describe(const Model& model) {
  Json out;
  out["path"] = model.path;
  out["sha256"] = model.sha256;
  out["task"] = model.task;
  out["classes"] = model.classes;
  out["multilabel"] = model.multilabel;
  out["engine"] = model.engine->kind();
  out["parameters"] = model.parameters;
  out["input"] = Json::parse(model.input.to_json());
  out["input_length"] = model.input.length();
  out["golden_windows"] = model.golden_windows;
  // The card is whatever its author wrote; it stands here as JSON if it is some.
  out["card"] = model.card.empty() ? Json() : Json::parse(model.card, nullptr, false);
  if (out["card"].is_discarded()) {
    out["card"] = model.card;
  }
  return out;
}

/// A card's line such as "test.flows.accuracy", as a percentage.
std::string card_share(const Json& card, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  if (!card.is_object() || !card.contains(place) || !card[place].is_number()) {
    return "";
  }
  return fmt::format("{:.2f}%", 100 * card[place].get<double>());
}

int inspect(const ModelOptions& options) {
  const auto model = load_model(options.path);
  const Json out = describe(*model);
  if (options.json) {
    std::cout << out.dump(2) << "\n";
    return 0;
  }
  std::cout << fmt::format(
      "{}\n  sha256      {}\n  task        {}\n  classes     {}{}\n  engine      {}, {} "
      "parameters\n"
      "  input       {}\n  golden      {} windows, as expected\n",
      model->path, model->sha256, model->task, fmt::join(model->classes, ", "),
      model->multilabel ? " (several at once)" : "", model->engine->kind(), model->parameters,
      model->input.to_json(), model->golden_windows);
  const Json& card = out["card"];
  if (card.is_null()) {
    std::cout << "  card        none\n";
    return 0;
  }
  for (const char* key : {"tool", "date", "model", "data", "split", "class_shares"}) {
    if (card.is_object() && card.contains(key)) {
      const Json& value = card[key];
      std::cout << fmt::format("  {:<11} {}\n", key,
                               value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  for (const char* part : {"validation", "test"}) {
    const std::string of_flows = card_share(card, fmt::format("/{}/flows/accuracy", part));
    if (!of_flows.empty()) {
      std::cout << fmt::format("  {:<11} accuracy {} by flow, {} by window\n", part, of_flows,
                               card_share(card, fmt::format("/{}/windows/accuracy", part)));
    }
  }
  return 0;
}

int verify(const ModelOptions& options) {
  LoadOptions load;
  load.require_golden = options.require_golden;
  load.trusted_keys = options.trusted;
  const auto model = load_model(options.path, load);
  std::cout << fmt::format(
      "{}: good: {} engine, {} classes, {} golden windows{}\n", model->path, model->engine->kind(),
      model->classes.size(), model->golden_windows,
      options.trusted.empty() ? ", signature not asked for" : ", signed by a trusted key");
  return 0;
}

/// The secret key is written once, for its owner alone, and never over another.
int make_keys(const ModelOptions& options) {
  const SigningKeys keys = make_signing_keys();
  const int file =
      open(options.key_file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    fail("{}: cannot be made: {}", options.key_file, std::strerror(errno));
  }
  const std::string text = keys.secret_key + "\n";
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!(close(file) == 0 && written)) {
    fail("{}: cannot be written", options.key_file);
  }
  LineOutput open_key(options.key_file + ".pub");
  open_key.write(keys.public_key + "\n");
  open_key.finish();
  std::cout << fmt::format("secret key: {} (keep it)\npublic key: {} (also in {}.pub)\n",
                           options.key_file, keys.public_key, options.key_file);
  return 0;
}

int sign(const ModelOptions& options) {
  load_model(options.path);  // what would be refused is not signed
  std::string secret = read_all(options.key_file);
  std::string signature;
  try {
    signature = sign_model(read_all(options.path), secret);
  } catch (const Error& error) {
    fail("{}: {}", options.key_file, error.what());
  }
  LineOutput output(options.path + ".sig");
  output.write(signature + "\n");
  output.finish();
  std::cout << options.path << ".sig\n";
  return 0;
}

/// A subcommand of `model` that does `work`.
CLI::App* add_action(CLI::App& parent, std::function<int()>& run, const char* name,
                     const char* about, const std::shared_ptr<ModelOptions>& options,
                     int (*work)(const ModelOptions&)) {
  CLI::App* action = parent.add_subcommand(name, about);
  action->callback([options, work, &run] { run = [options, work] { return work(*options); }; });
  return action;
}

}  // namespace

std::shared_ptr<const Model> load_with_precision(const std::filesystem::path& path, bool bf16) {
  LoadOptions options;
  options.precision = bf16 ? Precision::bf16 : Precision::exact;
  auto model = load_model(path, options);
  if (model->engine->precision() != options.precision) {
    fail(
        "--bf16: {} runs in exact float: bfloat16 is for convolutional networks on processors "
        "with AVX512_BF16",
        path.string());
  }
  return model;
}

CLI::App* add_model(CLI::App& parent, std::function<int()>& run) {
  CLI::App* command = parent.add_subcommand("model", "Look into, check and sign model files");
  command->require_subcommand(1);
  command->footer(
      "\nExamples:\n"
      "  flowmark model inspect category.onnx\n"
      "  flowmark model keygen site.key && flowmark model sign category.onnx --key site.key\n"
      "  flowmark model verify category.onnx --trusted \"$(cat site.key.pub)\"\n");
  auto options = std::make_shared<ModelOptions>();
  const auto add_path = [&](CLI::App* action) {
    action->add_option("model", options->path, "Model file")->required()->type_name("MODEL");
  };
  CLI::App* action =
      add_action(*command, run, "inspect", "Say what a model reads and tells", options, inspect);
  add_path(action);
  action->add_flag("--json", options->json, "Print JSON");

  action = add_action(*command, run, "verify",
                      "Check a model file as the daemon does before it uses one", options, verify);
  add_path(action);
  action->add_option("--trusted", options->trusted, "Public key (base64); FILE.sig must be by one")
      ->type_name("KEY");
  action->add_flag("--require-golden", options->require_golden, "Refuse a file without self-test");

  action = add_action(*command, run, "keygen", "Make a pair of Ed25519 keys for signing", options,
                      make_keys);
  action->add_option("file", options->key_file, "Secret key to write; FILE.pub is the public one")
      ->required()
      ->type_name("FILE");

  action =
      add_action(*command, run, "sign", "Write the detached signature MODEL.sig", options, sign);
  add_path(action);
  action->add_option("--key", options->key_file, "Secret key file")->required()->type_name("FILE");
  return command;
}

}  // namespace flowmark
