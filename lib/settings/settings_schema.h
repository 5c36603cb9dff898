#pragma once

#include "schema/schema.h"
#include "settings/settings.h"

namespace flowmark {

/// The whole configuration file: every key, its range and where its value goes.
const schema::Fields<Settings>& settings_fields();

/// Of them those of `marking`.
schema::Fields<MarkingSettings> marking_fields();

/// What no single value can say: port counts, names that refer to each other.
void check_settings(const schema::Place& root, const YamlNode& document, const Settings& settings);

}  // namespace flowmark
