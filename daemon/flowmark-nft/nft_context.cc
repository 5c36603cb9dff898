#include "daemon/flowmark-nft/nft_context.h"

#include <nftables/libnftables.h>

#include "base/error.h"

namespace flowmark {

void NftContext::Free::operator()(nft_ctx* context) const noexcept {
  nft_ctx_free(context);
}

NftContext::NftContext() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  if (!context_ || nft_ctx_buffer_error(context_.get()) != 0 ||
      nft_ctx_buffer_output(context_.get()) != 0) {
    fail("libnftables cannot be set up");
  }
}

std::string NftContext::run(const std::string& commands) {
  if (nft_run_cmd_from_buffer(context_.get(), commands.c_str()) == 0) return "";
  const std::string message = nft_ctx_get_error_buffer(context_.get());
  return message.empty() ? "nft gives no reason" : message.substr(0, message.find('\n'));
}

std::string NftContext::list(const std::string& command, bool with_elements) {
  const unsigned terse = with_elements ? 0 : NFT_CTX_OUTPUT_TERSE;
  nft_ctx_output_set_flags(context_.get(),
                           NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_ALL | terse);
  const bool done = nft_run_cmd_from_buffer(context_.get(), command.c_str()) == 0;
  nft_ctx_output_set_flags(context_.get(), 0);
  (void)nft_ctx_get_error_buffer(context_.get());
  const std::string text = nft_ctx_get_output_buffer(context_.get());
  return done ? text : "";
}

}  // namespace flowmark
