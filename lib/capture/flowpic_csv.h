#pragma once

#include <filesystem>
#include <functional>

#include "window/offline_windows.h"

namespace flowmark {

/// The form in which the FlowPic authors published their flows (Shapira & Shavitt 2019): text,
/// plain, gzip, bzip2 or xz, one unidirectional flow a line, cells separated by commas:
///
///   capture, source, source port, destination, destination port, protocol, start, n,
///   n arrival times, an empty cell, n IP packet sizes
///
/// start and times are seconds; times count from any common zero. Sizes are 0 to 65535; packets of
/// size 0 are left out.

/// True if the (decompressed) file's first line has this form.
bool is_flowpic_csv(const std::filesystem::path& path);

/// Reads such a file, line by line. A flow is named "CAPTURE PROTOCOL SOURCE:PORT
/// DESTINATION:PORT", has no label, the attribute "capture", and all its packets are upstream, in
/// time order. Throws Error naming file, line, the value found and what would be right.
void read_flowpic_csv(const std::filesystem::path& path,
                      const std::function<void(RecordedFlow&&)>& take);

}  // namespace flowmark
