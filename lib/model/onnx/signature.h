#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flowmark {

/// A pair of Ed25519 keys (RFC 8032) in base64: what the trusted_keys of a configuration and the
/// key file of `flowmark model sign` hold.
struct SigningKeys {
  std::string public_key;  ///< 32 bytes
  std::string secret_key;  ///< 64 bytes
};
SigningKeys make_signing_keys();

/// The detached signature of a model file's bytes, base64. Throws Error on a bad key.
std::string sign_model(std::string_view bytes, const std::string& secret_key);

/// Checks a detached signature (64 raw bytes, or base64 with white space around it) against the
/// trusted public keys. Throws Error when it is of none of them or a key is malformed.
void verify_signature(std::string_view bytes, std::string_view signature,
                      const std::vector<std::string>& trusted_keys);

/// SHA-256 in lower-case hex.
std::string sha256_hex(std::string_view bytes);

}  // namespace flowmark
