"""Rules, baseline policies and document kinds as plain YAML; this module only makes them installable."""
