"""One file per command group; found by walking the package."""
