"""The report: runs and matrices measured, as one self-contained HTML file and as tables for LaTeX.

data.py     paths ─► numbers (`Report`): runs, claims, clouds, spectra, measures, training
claims.py   what the paper's claims look at, from run directories alone
tables.py   numbers ─► tables, for HTML and LaTeX alike
charts.py   numbers ─► line charts as SVG
points.py   clouds of items ─► what the page's script draws, in 16 bits, within a budget of bytes
html.py     all of it ─► one file            latex.py   ─► .tex files and figures
"""
