#pragma once

#include <memory>
#include <string>

struct nft_ctx;

namespace flowmark {

/// Commands in nft's language, run in this process through libnftables. One thread.
class NftContext {
 public:
  /// Throws Error.
  NftContext();

  /// Runs the commands as one transaction: all or none. Empty, or nft's message.
  std::string run(const std::string& commands);
  /// The output of a command "list ..." as JSON, with or without elements; empty where it fails.
  std::string list(const std::string& command, bool with_elements);

 private:
  struct Free {
    void operator()(nft_ctx* context) const noexcept;
  };
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace flowmark
