"""The REST API: each public object has a module of endpoints; what they share is declared once."""
