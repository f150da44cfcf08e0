"""Databases asked with a read-only account: PostgreSQL, MySQL and MariaDB, Redis."""
