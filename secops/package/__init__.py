"""Evidence packages: what an inspector takes away and checks on a machine that has never seen the database."""
