"""Where the daemon is put together: listeners, TLS, logs, signals, and the order of its start and its end."""
