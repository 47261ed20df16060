"""qisd: a dynamic image server. One original image file, many uses."""

__version__ = "0.1.0"
