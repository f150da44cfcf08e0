"""Algorithms an SSH server offers, read before any log-in."""
