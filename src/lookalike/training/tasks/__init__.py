"""What is learnt: each task is a file that reads like its paper."""
