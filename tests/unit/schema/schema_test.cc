#include "schema/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowmark::schema {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

enum class Colour { red, green };

struct Part {
  std::string name;
  bool on = false;
};

struct Document {
  uint16_t count = 7;
  double share = 0;
  Colour colour = Colour::red;
  std::vector<std::string> names;
  std::vector<Part> parts;
  Part part;
  std::vector<std::string> own_keys;
};

const Fields<Document>& fields() {
  static const Fields<Part> part{text("name", &Part::name), boolean("on", &Part::on)};
  static const Fields<Document> all{
      optional(number("count", &Document::count, 1, 100)),
      real("share", &Document::share, 0, 1),
      word("colour", &Document::colour, {{"red", Colour::red}, {"green", Colour::green}}),
      text_or_texts("names", &Document::names),
      sections("parts", &Document::parts, part),
      section("part", &Document::part, part)};
  return all;
}

std::vector<std::string> problems_of(const std::string& text) {
  Document document;
  return read_document(text, "f", fields(), document);
}

TEST(Schema, ReadsEveryKindOfField) {
  Document document;
  EXPECT_THAT(read_document("count: 3\nshare: 0.25\ncolour: green\nnames: [a, \"7\"]\n"
                            "parts:\n- {name: x, on: yes}\n- name: y\npart: {on: true}\n",
                            "f", fields(), document),
              IsEmpty());
  EXPECT_EQ(document.count, 3);
  EXPECT_EQ(document.share, 0.25);
  EXPECT_EQ(document.colour, Colour::green);
  EXPECT_THAT(document.names, ElementsAre("a", "7"));
  ASSERT_EQ(document.parts.size(), 2U);
  EXPECT_TRUE(document.parts[0].on);
  EXPECT_EQ(document.parts[1].name, "y");
  EXPECT_TRUE(document.part.on);
}

TEST(Schema, TellsAllProblemsInTheOrderOfTheirLines) {
  EXPECT_THAT(
      problems_of("colour: gren\ncount: 0\nparts:\n- {nmae: x}\n- 3\nshare: 2\n"),
      ElementsAre("f:1: colour: value gren: did you mean \"green\"? Expected one of red, green",
                  "f:2: count: value 0: expected a whole number 1 to 100",
                  "f:4: parts[0].nmae: unknown key: did you mean \"name\"?",
                  "f:5: parts[1]: value 3: expected a mapping (key: value)",
                  "f:6: share: value 2: expected a number 0 to 1"));
}

TEST(Schema, AKeyGivenTwiceIsAProblem) {
  EXPECT_THAT(problems_of("count: 1\ncount: 2\n"),
              ElementsAre("f:2: count: given twice: keep one of them"));
}

TEST(Schema, ASyntaxErrorIsTheOnlyProblem) {
  const auto problems = problems_of("count: 0\nnames: [a\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], testing::HasSubstr("not YAML"));
  EXPECT_THAT(problems_of("part: &a {on: true}\nparts: [*a]\n"),
              ElementsAre("f:2: aliases (*name) are not supported: write the value out"));
}

struct BadDocument {
  const char* text;
  const char* problem;
};

class BadDocuments : public testing::TestWithParam<BadDocument> {};

TEST_P(BadDocuments, AreRefusedWithPlaceValueAndWhatWouldBeRight) {
  EXPECT_THAT(problems_of(GetParam().text), ElementsAre(testing::HasSubstr(GetParam().problem)));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, BadDocuments,
    testing::Values(
        BadDocument{"count: 2.5", "f:1: count: value 2.5: expected a whole number 1 to 100"},
        BadDocument{"count: \"2\"", "count: value \"2\": expected a whole number 1 to 100"},
        BadDocument{"count: 99999999999999999999", "expected a whole number 1 to 100"},
        BadDocument{"share: nan", "share: value nan: expected a number 0 to 1"},
        BadDocument{"part: 7", "part: value 7: expected a mapping"},
        BadDocument{"part: {on: 1}", "part.on: value 1: expected true or false"},
        BadDocument{"parts: x", "parts: value x: expected a list"},
        BadDocument{"frobnicate: 1", "f:1: frobnicate: unknown key: known here: count, share"},
        BadDocument{"? [a]\n: 1", "key a list: expected one of count"},
        BadDocument{"part: *anchor", "the referenced anchor is not defined"},
        BadDocument{"---\ncount: 1\n---\ncount: 2", "more than one document"}));

TEST(Schema, OptionalFieldsMayBeLeftEmpty) {
  Document document;
  EXPECT_THAT(read_document("count:\n", "f", fields(), document), IsEmpty());
  EXPECT_EQ(document.count, 7);
  EXPECT_THAT(problems_of("share: ~\n"),
              ElementsAre("f:1: share: value nothing: expected a number 0 to 1"));
}

TEST(Schema, ATextStandsForAListOfOne) {
  Document document;
  EXPECT_THAT(read_document("names: a\n", "f", fields(), document), IsEmpty());
  EXPECT_THAT(document.names, ElementsAre("a"));
  EXPECT_THAT(problems_of("names: [a, [b]]\n"),
              ElementsAre("f:1: names[1]: value a list: expected a text"));
}

TEST(Schema, KeysOfNoFieldGoToTheirReader) {
  Document document;
  const OtherKeys<Document> keep = [](const Place&, const YamlEntry& entry, Document& out) {
    out.own_keys.push_back(entry.key.text);
  };
  EXPECT_THAT(read_document("count: 2\nmine: 3\n[a]: 1\n", "f",
                            [&](const Place& root, const YamlNode& node) {
                              read_map(root, node, fields(), document, keep);
                            }),
              ElementsAre("f:3: key a list: expected one of count, share, colour, names, parts, "
                          "part"));
  EXPECT_THAT(document.own_keys, ElementsAre("mine"));
  EXPECT_EQ(document.count, 2);
}

TEST(Schema, HasMeansThatSomethingStandsThere) {
  const YamlNode node = read_yaml("a: 1\nb:\nc: \"\"\n");
  EXPECT_TRUE(has(node, "a"));
  EXPECT_FALSE(has(node, "b"));
  EXPECT_TRUE(has(node, "c"));
  EXPECT_FALSE(has(node, "d"));
  EXPECT_FALSE(has(node.entries[0].value, "a"));
}

TEST(Schema, NamesTheNearestWord) {
  EXPECT_EQ(did_you_mean("capcity", {"budget_mb", "capacity"}), "capacity");
  EXPECT_EQ(did_you_mean("x", {"budget_mb", "capacity"}), "");
  EXPECT_EQ(did_you_mean(std::string(65, 'a'), {std::string(64, 'a')}), "");
}

}  // namespace
}  // namespace flowmark::schema
