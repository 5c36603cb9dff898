"""Whether calls, films and pages get better behind a full line: see docs/qoe.md."""
