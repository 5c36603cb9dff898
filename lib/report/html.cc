#include "report/html.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace flowmark {
namespace {

// The four series colours keep their distance for colour-blind readers, on both grounds.
constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1c1f23; --faint: #5c646d;
  --line: #d4d9de; --panel: #f4f6f8; --s0: #0b62a4; --s1: #b84c00; --s2: #00735c; --s3: #8e3a8c;
  --heat: 11, 98, 164; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --ink: #e6e9ec; --faint: #a0a8b0;
  --line: #3a4148; --panel: #1d2125; --s0: #6cb6f5; --s1: #ff9d5c; --s2: #4fd0b0; --s3: #dd9adb;
  --heat: 108, 182, 245; } }
* { box-sizing: border-box; }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 72rem; padding: 1.5rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; } .sub, figcaption { color: var(--faint); }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; padding: 0; }
a { color: var(--s0); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding-bottom: .3rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th.t, td.t { text-align: left; } thead th { background: var(--panel); }
figure { display: inline-block; vertical-align: top; max-width: 100%; margin: 1rem 2rem 1rem 0; }
figure > figcaption { max-width: 34rem; } figure svg { max-width: 100%; height: auto; }
.gallery { display: flex; flex-wrap: wrap; gap: 1rem; }
.gallery figure { margin: 0; max-width: 100%; } .gallery img { background: #fff; max-width: 100%;
  padding: 4px; border: 1px solid var(--line); display: block; }
.gallery figcaption { font-size: .85rem; max-width: 26rem; overflow-wrap: anywhere; }
@media print { body { max-width: none; } section { break-inside: avoid; } }
)";

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) {
      word = word << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[word >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += letter;
    }
  }
  return out;
}

HtmlReport::HtmlReport(const std::string& title, const std::string& subtitle)
    : title_(escape_html(title)), subtitle_(escape_html(subtitle)) {}

void HtmlReport::section(const std::string& heading) {
  if (sections_++ > 0) {
    body_ += "</section>\n";
  }
  const std::string text = escape_html(heading);
  contents_ += fmt::format("<li><a href=\"#s{}\">{}</a></li>\n", sections_, text);
  body_ += fmt::format("<section aria-labelledby=\"s{0}\">\n<h2 id=\"s{0}\">{1}</h2>\n", sections_,
                       text);
}

void HtmlReport::subsection(const std::string& heading) {
  body_ += "<h3>" + escape_html(heading) + "</h3>\n";
}

void HtmlReport::paragraph(const std::string& text) {
  body_ += "<p>" + escape_html(text) + "</p>\n";
}

void HtmlReport::table(const Table& table) {
  const auto kind = [&](size_t column) {
    return column < table.text_columns ? " class=\"t\"" : "";
  };
  body_ += "<div class=\"scroll\" tabindex=\"0\"><table>\n";
  if (!table.caption.empty()) {
    body_ += "<caption>" + escape_html(table.caption) + "</caption>\n";
  }
  if (!table.head.empty()) {
    body_ += "<thead><tr>";
    for (size_t i = 0; i < table.head.size(); ++i) {
      body_ += fmt::format("<th scope=\"col\"{}>{}</th>", kind(i), escape_html(table.head[i]));
    }
    body_ += "</tr></thead>\n";
  }
  body_ += "<tbody>\n";
  for (const auto& row : table.rows) {
    body_ += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      body_ += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", kind(i), escape_html(row[i]))
                      : fmt::format("<td{}>{}</td>", kind(i), escape_html(row[i]));
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

void HtmlReport::figure(const std::string& svg, const std::string& caption) {
  body_ += "<figure>" + svg + "<figcaption>" + escape_html(caption) + "</figcaption></figure>\n";
}

void HtmlReport::gallery(const std::vector<Picture>& pictures) {
  body_ += "<div class=\"gallery\">\n";
  for (const Picture& picture : pictures) {
    body_ += fmt::format(
        "<figure><img src=\"data:image/png;base64,{}\" alt=\"{}\"><figcaption>{}</figcaption>"
        "</figure>\n",
        base64(picture.png), escape_html(picture.alt), escape_html(picture.caption));
  }
  body_ += "</div>\n";
}

std::string HtmlReport::html() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<header>\n<h1>{0}</h1>\n"
      "<p class=\"sub\">{2}</p>\n</header>\n<nav aria-label=\"Contents\"><ul>\n{3}</ul></nav>\n"
      "<main>\n{4}{5}</main>\n</body>\n</html>\n",
      title_, kStyle, subtitle_, contents_, body_, sections_ > 0 ? "</section>\n" : "");
}

void HtmlReport::write(const std::filesystem::path& path) const {
  write_text_file(path, html());
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path temporary = path;
  temporary += ".part" + std::to_string(getpid());
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) {
    std::filesystem::rename(temporary, path, error);
  }
  if (!file || error) {
    const std::string reason = error ? error.message() : std::strerror(errno);
    std::filesystem::remove(temporary, error);
    fail("{}: cannot be written: {}", path.string(), reason);
  }
}

}  // namespace flowmark
