"""What a swarm's programs and its tracker have in common."""

from .shell import lab_module

bencode = lab_module("apps.p2p").bencode
PORT, TRACKER_PORT = 51413, 6969
