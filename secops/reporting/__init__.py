"""Builds the read model and keeps finished reports."""
