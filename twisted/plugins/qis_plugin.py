"""Makes ``twistd qis`` known. No imports of our own: twistd loads every plugin for every command."""

from twisted.application.service import ServiceMaker

qis = ServiceMaker("qis", "qisd.service.entry", "A dynamic image server.", "qis")
