"""Renderers: a frozen read model in, bytes out. Knows no clock, no network, no database."""
