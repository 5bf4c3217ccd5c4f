"""More like this, of a catalogue: measured, told why, diverse."""
