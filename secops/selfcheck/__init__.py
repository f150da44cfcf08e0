"""The platform examined against the 63 lines of its own self-assessment."""
