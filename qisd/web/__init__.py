"""The public surface over HTTP: thin handlers that read the request, ask the domain and write the answer."""
