#pragma once

#include "schema/schema.h"
#include "settings/settings.h"

namespace flowmark {

inline constexpr uint32_t kMostKbit = 10'000'000;  ///< limits of rates

/// The whole configuration file: every key, its range and where its value goes.
const schema::Fields<Settings>& settings_fields();

/// Of them `marking`.
schema::Field<Settings> marking_section();

/// And `policies`.
schema::Field<Settings> policies_section();

/// Names label metrics and appear in paths of keys.
bool is_name(const std::string& name);

/// Reads a profile of marks by its name.
void read_profile(const schema::Place& place, const YamlNode& node,
                  std::optional<MarkProfile>& out);

/// Reads an address range and appends it.
void read_prefix(const schema::Place& place, const YamlNode& node, std::vector<Prefix>& out);

/// Reads a list of address ranges.
void read_prefixes(const schema::Place& place, const YamlNode& node, std::vector<Prefix>& out);

/// `host_groups`: names of groups, each with its address ranges.
void read_host_groups(const schema::Place& place, const YamlNode& node, Settings& out);

/// What no single value can say: port counts, names that refer to each other.
void check_settings(const schema::Place& root, const YamlNode& document, const Settings& settings);

}  // namespace flowmark
