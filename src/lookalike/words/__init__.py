"""Words that say what an image shows: which classes, tags, colours and facts of a file each stands for, and how
probable it is by what a gallery keeps. Knows nothing of storage."""
