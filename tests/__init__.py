"""All tests."""

from hypothesis import HealthCheck, settings

# The same examples each time, and no limits of time: a machine that is busy with something else fails no test.
settings.register_profile("qisd", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("qisd")
