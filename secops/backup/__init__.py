"""Backups: written while the platform runs, sealed, checked after writing, restored into an empty home."""
