#pragma once

#include <filesystem>
#include <string>

namespace flowmark {

/// A Unix stream socket that listens on `path` (mode 0660), non-blocking, in place of what a dead
/// process left there; its folder is made where it is missing. The caller closes it and removes the
/// path. `key` names the setting in errors. Throws Error, also when somebody listens there.
int listen_unix(const std::string& key, const std::filesystem::path& path, int backlog);

/// Throws Error, as listen_unix() would, when it could not listen there; makes nothing.
/// `may_be_in_use`: by the daemon that the caller looks besides.
void check_unix_listener(const std::string& key, const std::filesystem::path& path,
                         bool may_be_in_use);

}  // namespace flowmark
