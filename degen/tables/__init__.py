"""Tables for people and programs: one `Table`, written to the terminal, CSV, LaTeX and Markdown.

table.py        `Table`, its columns and its cells     numbers.py     numbers as people read them
terminal.py     framed, or in sections with footnotes  csv_file.py    full columns for programs
latex.py        `tabular` in the style of booktabs     markdown.py    pipes

The report's template writes the same tables as HTML.
"""
