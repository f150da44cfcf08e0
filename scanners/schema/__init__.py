"""JSON Schemas of what the commands on probes and rules print and read; those of results are made from the types."""
