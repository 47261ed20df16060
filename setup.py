"""Builds the one extension module. All else about the package is in ``setup.cfg``."""

from setuptools import Extension, setup

SOURCES = "qisd/imaging/_resample"

setup(
    ext_modules=[
        Extension(
            "qisd.imaging._resample",
            sources=[f"{SOURCES}/module.c", f"{SOURCES}/resample.c"],
            depends=[f"{SOURCES}/resample.h", f"{SOURCES}/kernels.h"],
            # Neither of the two changes what NaN does; both let the compiler vectorise.
            extra_compile_args=["-O3", "-std=c11", "-Wall", "-Wextra", "-fno-math-errno", "-fno-trapping-math"],
            # Without a compiler the package works all the same, more slowly: qisd/imaging/_resample_pillow.py.
            optional=True,
        )
    ]
)
