"""What is done to files on request: duplicates cleared away, images sorted into folders."""
