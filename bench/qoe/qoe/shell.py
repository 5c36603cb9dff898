"""The lab's helpers for processes and short commands, from tests/lab."""

import importlib
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
LAB = os.path.join(ROOT, "tests", "lab")
sys.path.insert(0, LAB)

from lab.process import Processes, check, remove_namespace  # noqa: E402

__all__ = ["LAB", "ROOT", "Processes", "check", "lab_module", "namespaces", "remove_namespace"]


def namespaces():
    """Names of the network namespaces there are."""
    return [entry["name"] for entry in json.loads(check("ip", "-j", "netns", "list") or "[]")]


def lab_module(name):
    """A module of the recording lab."""
    return importlib.import_module("lab." + name)
