"""Probes and rules. Typed results; knows no storage, no web and no catalogue."""
