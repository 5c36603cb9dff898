#include "model/onnx/signature.h"

#include <sodium.h>

#include <array>

#include "base/error.h"

namespace flowmark {
namespace {

using Bytes = std::vector<unsigned char>;

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void start_sodium() {
  if (sodium_init() < 0) fail("libsodium cannot start: no source of randomness");
}

std::string to_base64(const unsigned char* bytes, size_t count) {
  std::string text(sodium_base64_encoded_len(count, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, count, sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.size() - 1);  // the terminating zero
  return text;
}

/// Empty if the text is no base64 of so many bytes.
Bytes from_base64(std::string_view text, size_t count) {
  Bytes bytes(count + 1);
  size_t length = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), " \r\n\t", &length,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      length != count) {
    return {};
  }
  bytes.resize(count);
  return bytes;
}

}  // namespace

SigningKeys make_signing_keys() {
  start_sodium();
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> open{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
  crypto_sign_keypair(open.data(), secret.data());
  SigningKeys keys{to_base64(open.data(), open.size()), to_base64(secret.data(), secret.size())};
  sodium_memzero(secret.data(), secret.size());
  return keys;
}

std::string sign_model(std::string_view bytes, const std::string& secret_key) {
  start_sodium();
  Bytes key = from_base64(secret_key, crypto_sign_SECRETKEYBYTES);
  if (key.empty()) fail("the secret key is no base64 of {} bytes", crypto_sign_SECRETKEYBYTES);
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, unsigned_bytes(bytes), bytes.size(), key.data());
  sodium_memzero(key.data(), key.size());
  return to_base64(signature.data(), signature.size());
}

void verify_signature(std::string_view bytes, std::string_view signature,
                      const std::vector<std::string>& trusted_keys) {
  start_sodium();
  Bytes raw = signature.size() == crypto_sign_BYTES
                  ? Bytes(unsigned_bytes(signature), unsigned_bytes(signature) + signature.size())
                  : from_base64(signature, crypto_sign_BYTES);
  if (raw.empty()) {
    fail("the signature is neither {} raw bytes nor base64 of them", crypto_sign_BYTES);
  }
  for (const std::string& text : trusted_keys) {
    const Bytes key = from_base64(text, crypto_sign_PUBLICKEYBYTES);
    if (key.empty()) {
      fail("trusted key '{}' is no base64 of {} bytes", text, crypto_sign_PUBLICKEYBYTES);
    }
    if (crypto_sign_verify_detached(raw.data(), unsigned_bytes(bytes), bytes.size(), key.data()) ==
        0) {
      return;
    }
  }
  fail("the signature is not of any of the {} trusted keys, or the file was changed",
       trusted_keys.size());
}

std::string sha256_hex(std::string_view bytes) {
  start_sodium();
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), unsigned_bytes(bytes), bytes.size());
  std::string hex(hash.size() * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  hex.resize(hash.size() * 2);
  return hex;
}

}  // namespace flowmark
