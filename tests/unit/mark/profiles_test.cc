#include "mark/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace flowmark {
namespace {

/// A scheduler as its own source or standard describes it: the queue that a mark ends in.
using Queue = int (*)(Dscp);

// tc-cake(8): the tins of diffserv3.
int cake3_tin(Dscp mark) {
  const std::set<Dscp> bulk{1, 8}, voice{4, 44, 46, 48, 56};
  return bulk.contains(mark) ? 0 : voice.contains(mark) ? 2 : 1;
}

// The same of diffserv4, where CS4 and VA are in Voice.
int cake4_tin(Dscp mark) {
  const std::set<Dscp> bulk{1, 8}, voice{32, 40, 44, 46, 48, 56};
  const std::set<Dscp> video{4, 16, 18, 20, 22, 24, 26, 28, 30, 34, 36, 38};
  return bulk.contains(mark) ? 0 : voice.contains(mark) ? 3 : video.contains(mark) ? 2 : 1;
}

// RFC 8325, figure 1, and IEEE 802.11's access categories: background, best effort, video, voice.
int wmm_category(Dscp mark) {
  const std::set<Dscp> background{8}, voice{44, 46, 48, 56};
  const std::set<Dscp> video{24, 26, 28, 30, 32, 34, 36, 38, 40};
  return background.contains(mark) ? 0 : voice.contains(mark) ? 3 : video.contains(mark) ? 2 : 1;
}

int level(Dscp mark) {
  return mark == dscp::kExpedited ? 1 : 0;
}

int queue_of(MarkProfile profile, Queue queue, const char* name) {
  return queue(*marks_of(profile).at(name));
}

TEST(Profiles, TheDefaultIsThatOfRfc4594) {
  EXPECT_EQ(marks_of(MarkProfile::rfc4594), (ClassMarks{{"voip", Dscp{46}},
                                                        {"video-call", Dscp{34}},
                                                        {"gaming", Dscp{32}},
                                                        {"streaming", Dscp{26}},
                                                        {"remote-desktop", Dscp{18}},
                                                        {"chat", Dscp{18}},
                                                        {"browsing", Dscp{0}},
                                                        {"file-transfer", Dscp{10}},
                                                        {"p2p", Dscp{1}}}));
}

TEST(Profiles, InDiffserv4CallsFilmsPagesAndTransfersHaveTinsOfTheirOwn) {
  const auto tin = [](const char* name) {
    return queue_of(MarkProfile::cake_diffserv4, cake4_tin, name);
  };
  EXPECT_EQ(tin("voip"), 3);
  EXPECT_EQ(tin("video-call"), 3);
  EXPECT_EQ(tin("streaming"), 2);
  EXPECT_EQ(tin("gaming"), 3);
  EXPECT_EQ(tin("remote-desktop"), 1);
  EXPECT_EQ(tin("chat"), 1);
  EXPECT_EQ(tin("browsing"), 1);
  EXPECT_EQ(tin("file-transfer"), 0);
  EXPECT_EQ(tin("p2p"), 0);
}

TEST(Profiles, InDiffserv3CallsAreAheadAndTransfersBehind) {
  const auto tin = [](const char* name) {
    return queue_of(MarkProfile::cake_diffserv3, cake3_tin, name);
  };
  EXPECT_EQ(tin("voip"), 2);
  EXPECT_EQ(tin("video-call"), 2);
  EXPECT_EQ(tin("streaming"), 1);
  EXPECT_EQ(tin("gaming"), 1);
  EXPECT_EQ(tin("remote-desktop"), 1);
  EXPECT_EQ(tin("chat"), 1);
  EXPECT_EQ(tin("browsing"), 1);
  EXPECT_EQ(tin("file-transfer"), 0);
  EXPECT_EQ(tin("p2p"), 0);
}

TEST(Profiles, OnWiFiOnlyGamesShareACategoryWithCalls) {
  const auto category = [](const char* name) {
    return queue_of(MarkProfile::wmm, wmm_category, name);
  };
  EXPECT_EQ(category("voip"), 3);
  EXPECT_EQ(category("video-call"), 2);
  EXPECT_EQ(category("streaming"), 1);
  EXPECT_EQ(category("gaming"), 2);
  EXPECT_EQ(category("remote-desktop"), 1);
  EXPECT_EQ(category("chat"), 1);
  EXPECT_EQ(category("browsing"), 1);
  EXPECT_EQ(category("file-transfer"), 0);
  EXPECT_EQ(category("p2p"), 0);
}

TEST(Profiles, OfTwoLevelsCallsHaveTheUpperOne) {
  for (const auto& [name, mark] : marks_of(MarkProfile::two_level)) {
    EXPECT_EQ(level(*mark), name == "voip" || name == "video-call" ? 1 : 0) << name;
  }
}

TEST(Profiles, AllNameTheSameClasses) {
  for (int i = 0; i < kMarkProfileCount; ++i) {
    const auto profile = static_cast<MarkProfile>(i);
    const ClassMarks marks = marks_of(profile);
    ASSERT_EQ(marks.size(), marks_of(MarkProfile::rfc4594).size()) << to_string(profile);
    for (const auto& [name, mark] : marks_of(MarkProfile::rfc4594)) {
      EXPECT_TRUE(marks.contains(name)) << to_string(profile) << " " << name;
    }
  }
}

TEST(Profiles, AMapThatIsLaidOverReplacesAndExtends) {
  const ClassMarks over{{"voip", std::nullopt}, {"games", Dscp{32}}};
  const ClassMarks all = overlaid({{"voip", Dscp{46}}, {"chat", Dscp{18}}}, over);
  EXPECT_EQ(all, (ClassMarks{{"voip", std::nullopt}, {"chat", Dscp{18}}, {"games", Dscp{32}}}));
}

}  // namespace
}  // namespace flowmark
