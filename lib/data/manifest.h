#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/parse_options.h"
#include "net/prefix.h"
#include "window/offline_windows.h"

namespace flowmark {

/// Some recorded flows and what is known of them: an entry of a manifest, or a file named alone.
struct DataSource {
  std::filesystem::path path;
  std::string where;  ///< "manifest.yaml:12", for messages
  /// What a class is: "label", or another key of the entries or of the flows ("encryption").
  std::string label_key = "label";
  /// The class of all its flows; empty: the file's own labels count, through `labels`.
  std::string label;
  /// Names for the parts of the file's labels, which '|' separates: {"encryption", "application"}
  /// for "vpn|rdp".
  std::vector<std::string> columns;
  /// Patterns of the file's labels to classes, first match wins; nullopt leaves such flows out. If
  /// not empty, a label that matches none is an error.
  std::vector<std::pair<std::string, std::optional<std::string>>> labels;
  /// Patterns of flow names: if not empty, only such flows belong to this entry.
  std::vector<std::string> flows;
  std::vector<Prefix> inside;  ///< captures: who is upstream
  ParseOptions tunnels;        ///< captures: tunnels to look into
  bool infer_tcp = false;      ///< the file says nothing of TCP: told by sizes (data/infer_tcp.h)
  /// "train", "validation", "test", or empty: not laid down (but perhaps by the flow itself).
  std::string split;
  /// Each training window counts so often: more than 1 for what a gateway carries more of.
  uint32_t times = 1;
  /// If not empty: flows of another split are left out, and those of none unless `takes_unsplit`.
  std::string only_split;
  bool takes_unsplit = false;
  /// Files of several recordings: a regular expression (RE2) for whole flow names whose group 1 is
  /// the session the flow belongs to.
  std::string session_pattern;
  /// Every scalar key of the entry, these included: what splits and tasks can go by.
  std::map<std::string, std::string> attributes;

  bool takes_flow(const std::string& name) const;
  /// By session_pattern, else the key `session`; empty if there is neither. Throws Error when the
  /// pattern does not match.
  std::string session_of(const std::string& flow_name) const;
  /// The class of a flow: `label`, else what the flow's attributes hold under label_key, else the
  /// file's label, through `labels`; nullopt: to be left out. Throws Error when the flow has no
  /// label or the labels do not match.
  std::optional<std::string> class_of(const RecordedFlow& flow) const;
  /// All that is known of a flow: its own attributes, the columns, the entry's keys, and at least
  /// `label` (as the file has it) and `capture` (the session, else the file's name). In the entry's
  /// `source` the names of other keys in braces stand for what the flow has there:
  /// "lab/{technique}". Throws Error naming the flow that has no such key.
  std::map<std::string, std::string> attributes_of(const RecordedFlow& flow) const;
};

/// How manifests are read.
struct ManifestOptions {
  std::string label_key = "label";  ///< the key that holds the class
  /// The folder that `${data_root}` stands for at the beginning of a path: recordings that are not
  /// kept beside the manifest. Empty: nobody has said.
  std::filesystem::path data_root;
};

struct SourceList {
  std::vector<DataSource> sources;
  /// A line for each entry under `${data_root}` that is left out because its files are not there:
  /// file, line, path and what to do.
  std::vector<std::string> absent;
};

/// Reads a manifest (docs/cli.md): a YAML file with a list `sessions`. Paths are relative to it and
/// may be patterns (* and ? in the last part). Throws Error naming file, line, key, value and what
/// would be right.
SourceList find_manifest_sources(const std::filesystem::path& path, const ManifestOptions& options);
/// For each argument: a manifest if it ends in .yaml or .yml, else a file of flows by itself.
SourceList find_sources(const std::vector<std::string>& arguments, const ManifestOptions& options);

/// The same where every file must be there. Throws Error also for what is absent.
std::vector<DataSource> read_manifest(const std::filesystem::path& path,
                                      const std::string& label_key = "label");
std::vector<DataSource> collect_sources(const std::vector<std::string>& arguments,
                                        const std::string& label_key = "label");

}  // namespace flowmark
