"""The outside world in memory, exact where we lean on it: tests, simulation and the demo run on it."""

from chalicelib.adapters.memory.providers import Crashed, Fault, MemoryEmail, MemorySms
from chalicelib.adapters.memory.queue import MemoryQueue, Received
from chalicelib.adapters.memory.table import MemoryTable

__all__ = ["Crashed", "Fault", "MemoryEmail", "MemoryQueue", "MemorySms", "MemoryTable", "Received"]
