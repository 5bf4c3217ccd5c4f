"""The report of a data set: what leaks between its splits, what is there twice, and which images and labels are off."""
