#include "daemon/flowmark-nft/nft_transaction.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

#include "base/error.h"

namespace flowmark {
namespace {

// A message's list of elements has a length of 16 bits, and the header and names stand before it.
constexpr size_t kLargestMessage = 70'000;

/// A key of several fields as the kernel compares it: each field begins at a multiple of 4 bytes.
class Key {
 public:
  explicit Key(const FlowTuple& flow) {
    const bool v4 = is_ipv4(flow.source);
    put(flow.source.data() + (v4 ? 12 : 0), v4 ? 4 : 16);
    put(flow.destination.data() + (v4 ? 12 : 0), v4 ? 4 : 16);
    put(&flow.protocol, 1);
    for (const uint16_t port : {htons(flow.source_port), htons(flow.destination_port)}) {
      put(&port, sizeof port);
    }
  }

  const void* data() const noexcept { return bytes_.data(); }
  uint32_t size() const noexcept { return size_; }

 private:
  void put(const void* field, size_t length) {
    std::memcpy(bytes_.data() + size_, field, length);
    size_ += static_cast<uint32_t>((length + 3) / 4 * 4);
  }

  std::array<uint8_t, 44> bytes_{};
  uint32_t size_ = 0;
};

nftnl_set_elem* append(nftnl_set* elements, const FlowTuple& flow) {
  nftnl_set_elem* element = nftnl_set_elem_alloc();
  if (element == nullptr) fail("no memory for an element of a map");
  nftnl_set_elem_add(elements, element);
  const Key key(flow);
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key.data(), key.size());
  return element;
}

size_t map_index(const FlowTuple& flow) {
  return is_ipv4(flow.source) ? 0 : 1;
}

/// Appends what `write(place)` writes.
template <typename Write>
void append_message(std::vector<uint8_t>& messages, const Write& write) {
  const size_t at = messages.size();
  messages.resize(at + kLargestMessage);
  const nlmsghdr* header = write(reinterpret_cast<char*>(messages.data() + at));
  messages.resize(at + NLMSG_ALIGN(header->nlmsg_len));
}

void append_elements(std::vector<uint8_t>& messages, uint16_t type, uint16_t family,
                     const nftnl_set* elements) {
  const std::unique_ptr<nftnl_set_elems_iter, decltype(&nftnl_set_elems_iter_destroy)> at(
      nftnl_set_elems_iter_create(elements), nftnl_set_elems_iter_destroy);
  if (nftnl_set_elems_iter_cur(at.get()) == nullptr) return;
  const auto flags =
      static_cast<uint16_t>(NLM_F_ACK | (type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0));
  for (bool are_left = true; are_left;) {
    append_message(messages, [&](char* place) {
      nlmsghdr* header = nftnl_nlmsg_build_hdr(place, type, family, flags, 0);
      are_left = nftnl_set_elems_nlmsg_build_payload_iter(header, at.get()) > 0;
      return header;
    });
  }
}

}  // namespace

void NftTransaction::Free::operator()(nftnl_set* map) const noexcept {
  nftnl_set_free(map);
}

NftTransaction::NftTransaction(const NftLanguage& language)
    : language_(language),
      removed_{make_elements("flows4"), make_elements("flows6")},
      added_{make_elements("flows4"), make_elements("flows6")} {}

NftTransaction::Elements NftTransaction::make_elements(const char* map) const {
  Elements elements(nftnl_set_alloc());
  if (!elements) fail("no memory for changes of a map");
  nftnl_set_set_str(elements.get(), NFTNL_SET_TABLE, language_.table_name().c_str());
  nftnl_set_set_str(elements.get(), NFTNL_SET_NAME, map);
  return elements;
}

void NftTransaction::remove(const FlowTuple& flow) {
  append(removed_[map_index(flow)].get(), flow);
}

void NftTransaction::add(const FlowTuple& flow, Dscp dscp, uint32_t timeout_s) {
  nftnl_set_elem* element = append(added_[map_index(flow)].get(), flow);
  nftnl_set_elem_set_u64(element, NFTNL_SET_ELEM_TIMEOUT, timeout_s * uint64_t{1000});
  if (language_.value() == NftValue::mark) {
    const uint32_t mark = language_.layout().value(dscp);
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, &mark, sizeof mark);
  } else {
    nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_VERDICT, static_cast<uint32_t>(NFT_JUMP));
    nftnl_set_elem_set_str(element, NFTNL_SET_ELEM_CHAIN, NftLanguage::chain_name(dscp).c_str());
  }
}

std::vector<uint8_t> NftTransaction::messages() const {
  std::vector<uint8_t> messages;
  append_message(messages, [](char* place) { return nftnl_batch_begin(place, 0); });
  for (const Elements& elements : removed_)
    append_elements(messages, NFT_MSG_DELSETELEM, language_.family(), elements.get());
  for (const Elements& elements : added_)
    append_elements(messages, NFT_MSG_NEWSETELEM, language_.family(), elements.get());
  append_message(messages, [](char* place) { return nftnl_batch_end(place, 0); });
  return messages;
}

}  // namespace flowmark
