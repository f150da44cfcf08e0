"""The REST interface under ``/api/v1``: bearer tokens only, scoped like the pages, described by its own registrations."""
