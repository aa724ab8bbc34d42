"""The version, in one place: hatchling reads it from here, and so does everything that prints it."""

VERSION = "0.1.0"
