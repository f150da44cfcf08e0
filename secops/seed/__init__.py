"""Invented districts of a chosen size, the same every time, for looking at pages and for measuring."""
