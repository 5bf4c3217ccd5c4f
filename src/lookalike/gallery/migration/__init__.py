"""A whole gallery from one storage to another, through the contract of storage alone: read, move, verify."""
