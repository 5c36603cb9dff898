#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace flowmark {

/// `&`, `<`, `>` and quotes as entities.
std::string escape_html(std::string_view text);

/// A page of one file that needs no network: styles, SVG plots and PNG pictures are inside. Follows
/// the reader's choice of light or dark. All texts are escaped here, but `svg` is taken as it is.
class HtmlReport {
 public:
  explicit HtmlReport(const std::string& title, const std::string& subtitle = "");

  /// A heading, linked from the list of contents on top.
  void section(const std::string& heading);
  void subsection(const std::string& heading);
  void paragraph(const std::string& text);

  struct Table {
    std::string caption;
    std::vector<std::string> head;
    std::vector<std::vector<std::string>> rows;
    size_t text_columns = 1;  ///< so many columns hold text, the others numbers
  };
  void table(const Table& table);

  /// A plot (report/plot.h) with its caption.
  void figure(const std::string& svg, const std::string& caption);

  struct Picture {
    std::string png;  ///< the file's bytes
    std::string alt;  ///< what is to be seen, for those who do not see it
    std::string caption;
  };
  /// Side by side, as many as there is room for.
  void gallery(const std::vector<Picture>& pictures);

  std::string html() const;
  /// Replaced by rename. Throws Error.
  void write(const std::filesystem::path& path) const;

 private:
  std::string title_;
  std::string subtitle_;
  std::string contents_;
  std::string body_;
  unsigned sections_ = 0;
};

/// Writes a text file, replaced by rename. Throws Error naming it.
void write_text_file(const std::filesystem::path& path, std::string_view text);

}  // namespace flowmark
