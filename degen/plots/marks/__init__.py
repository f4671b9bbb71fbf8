"""Words and signs on figures: widths, letters, notes, legends, and what lies beyond an axis."""
