#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "capture/sequence_file.h"

namespace flowmark {

/// What is left to do for a flow once its turn in the file's order has come.
using Deliver = std::function<void()>;

/// Reads the flows of a capture or packet sequence file and works on them in parallel: `work` runs
/// on oneTBB's threads for several flows at once while the file is read on; what it returns (may be
/// empty) runs on the calling thread, one flow after the other, in the file's order. So output does
/// not depend on the number of threads. Holds only a bounded number of flows in memory. Throws what
/// the reader, `work` and the deliveries throw; flows before an error in the file are delivered.
void map_flows(const std::filesystem::path& path, const FlowReadOptions& options,
               const std::function<Deliver(RecordedFlow&&)>& work);

}  // namespace flowmark
