"""A cluster of Memcached servers as a floor of the cache, and as the place where renders are announced."""
