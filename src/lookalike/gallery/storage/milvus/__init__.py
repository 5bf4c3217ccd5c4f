"""The contract of storage (base.py) on a Milvus server or cluster: its collections, and who may write."""
