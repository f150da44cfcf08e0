"""Rows that say what happens when."""
