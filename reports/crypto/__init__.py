"""Crypto self-assessment after GB/T 39786-2021, scored by both quantitative rules."""
