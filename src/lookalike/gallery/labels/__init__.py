"""What images are called: by a model, by a person, and which labels are likely wrong."""
