"""Certificates, TLS, and getting certificates from an authority (ACME)."""
