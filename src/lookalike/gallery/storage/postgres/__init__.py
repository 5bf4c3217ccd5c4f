"""Galleries in PostgreSQL, searched by pgvector."""
