"""People: accounts, posts, role grants."""
