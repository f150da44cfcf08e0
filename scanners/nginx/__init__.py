"""Configuration files of nginx and Tengine: what each server and location ends up with."""
