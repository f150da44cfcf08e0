"""The inventory: departments, systems, assets, classification."""
