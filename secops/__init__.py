"""The application: remembering, asking people and showing. The only package that knows all the others."""

__version__ = "0.1.0"
