"""One script per claim: python -m benchmarks.NAME --data FOLDER [--quick] [--results]. See harness.py."""
