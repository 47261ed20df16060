"""``make seed-check``: the promises of the guide that this product grew from, row by row, tried on a server of its own.

``docs/seed-coverage.md`` has all rows; here are those that one machine can show in a few minutes.
"""
