"""What is done to files on request: duplicates removed, images sorted into folders."""
