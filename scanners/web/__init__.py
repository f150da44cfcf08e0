"""What a web server says without a log-in: redirects, headers, cookies, methods, error pages."""
