"""Figures: results in, axes out, without statistics, run directories or pyplot state.

Build figures, and save them, inside `style.figure_style`. Widths are in inches. Lines are named by variants
or any other names, in the order of the legend.

style.py          sizes, colours, dashes      layout.py              grids of panels
labels.py         names at line ends          save.py                PDF, PNG and SVG
bands.py          means with intervals        panels.py              small panels under one legend
svd.py            one cloud of items          svd_figure.py          Fig. 1, 3 and 4
spectra.py        singular values             mechanism.py           Eq. 4 by frequency
trajectories.py   alignment and uniformity    trajectory_figure.py   Fig. 5
"""
