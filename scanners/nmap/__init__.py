"""Discovery and service detection by nmap, and the reader of its XML."""
