"""Tables for people and programs: one `Table`, written to the terminal, CSV, LaTeX and Markdown.

table.py        `Table`, its columns and its cells     numbers.py     numbers as people read them
terminal.py     within the width of the terminal       csv_file.py    full columns for programs
latex.py        `tabular` in the style of booktabs     markdown.py    pipes

On the terminal, `widths.py` fits columns, `grid.py` sets them side by side, `vertical.py` turns what is too
wide, `listing.py` has sections, `lines.py` breaks sentences, and `shorten.py` cuts long names in the middle.

The report's template writes the same tables as HTML.
"""
