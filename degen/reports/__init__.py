"""The report: measured runs and matrices as one self-contained HTML file, and as tables for LaTeX.

gather.py          paths ─► numbers            contents.py   the numbers themselves
tables.py          numbers ─► tables           charts.py     numbers ─► line charts with their tables
packed_points.py   clouds ─► 16-bit numbers    svg.py        line charts ─► places of lines and marks
html.py            all of it ─► one file       latex.py      all of it ─► .tex files and figures
"""
