"""What one TLS port answers: versions, suites, certificates, national suites (RFC 8998)."""
