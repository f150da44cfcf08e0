"""Loopback servers for tests: honest ones, and ones that misbehave in a named way."""
