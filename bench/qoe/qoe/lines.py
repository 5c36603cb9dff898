"""The two lines with their queues, by qoe_relay or by the kernel's HTB: the same shares and order."""

import json
import re
import subprocess

from .shell import check

# The line towards a side: where frames come in, where they leave.
LINES = {"down": ("lan0", "home0"), "up": ("wan0", "near0")}
SHARES = {"voice": 30, "video": 25, "standard": 25, "transfers": 15, "lower_effort": 5}  # percent, TierScheduler's
_HTB_PRIO = {"voice": 0, "video": 1, "standard": 1, "transfers": 2, "lower_effort": 3}
_MARKS = {"voice": range(40, 64), "video": range(24, 40), "transfers": range(9, 16), "lower_effort": (1, 8)}


def clear(network):
    """Takes away what a row that failed has left of the kernel's lines."""
    for direction, (_, target) in LINES.items():
        for command in (("tc", "qdisc", "del", "dev", target, "root"), ("ip", "link", "del", "br-" + direction)):
            subprocess.run(network.inside("mid", *command), capture_output=True, check=False)


class RelayLines:
    """Both lines by qoe_relay."""

    def __init__(self, network, processes, program, rate_mbit, queue, scheduler):
        clear(network)
        self._relays = {}
        for direction, (source, target) in LINES.items():
            relay = processes.start(
                None, *network.inside("mid", "chrt", "--rr", "20", program, "--from", source, "--to", target,
                                      "--rate-kbit", str(int(1000 * rate_mbit)), "--queue", str(queue),
                                      "--scheduler", scheduler),
                log="line-" + direction, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if relay.stdout.readline() != b"ready\n":
                raise RuntimeError(f"qoe_relay did not start, see {processes.log_folder}/line-{direction}.log")
            self._relays[direction] = relay
        self._processes = processes

    def down(self):
        """Ends them; what they counted."""
        counted = {}
        for direction, relay in self._relays.items():
            relay.stdin.close()
            counted[direction] = json.loads(relay.stdout.readline())
            self._processes.stop(relay)
        return counted


class KernelLines:
    """Both lines by the kernel's HTB, between the ports of a bridge; the same shares and order."""

    def __init__(self, network, rate_mbit, queue, scheduler):
        clear(network)
        self._network = network
        for direction, (source, target) in LINES.items():
            network.ip("mid", "link", "add", "br-" + direction, "type", "bridge", "forward_delay", "0")
            network.ip("mid", "link", "set", "br-" + direction, "up")
            for port in (source, target):
                network.ip("mid", "link", "set", port, "master", "br-" + direction)
            for command in htb_commands(target, rate_mbit, queue, scheduler):
                check(*network.inside("mid", "tc", *command))

    def down(self):
        """Takes them away; what they counted."""
        counted = {}
        for direction, (_, target) in LINES.items():
            text = check(*self._network.inside("mid", "tc", "-s", "class", "show", "dev", target))
            check(*self._network.inside("mid", "tc", "qdisc", "del", "dev", target, "root"))
            self._network.ip("mid", "link", "del", "br-" + direction)
            counted[direction] = {"tiers": htb_counters(text)}
        return counted


def _numbers():
    """{tier: its class}."""
    return {tier: 10 + place for place, tier in enumerate(SHARES)}


def htb_counters(text):
    """{tier: counters} from what `tc -s class show` prints."""
    found = {int(number): (int(size), int(frames), int(dropped)) for number, size, frames, dropped in re.findall(
        r"class htb 1:(\d+) parent 1:1 .*\n Sent (\d+) bytes (\d+) pkt \(dropped (\d+)", text)}
    return {tier: dict(zip(("bytes", "frames", "dropped"), found[number]))
            for tier, number in _numbers().items() if number in found}


def htb_commands(device, rate_mbit, queue, scheduler):
    """Arguments of tc for one line."""
    rate_kbit = int(1000 * rate_mbit)
    shares = {"standard": 100} if scheduler == "fifo" else SHARES
    numbers = _numbers()
    yield ("qdisc", "add", "dev", device, "root", "handle", "1:", "htb", "default", str(numbers["standard"]))
    yield ("class", "add", "dev", device, "parent", "1:", "classid", "1:1", "htb", "rate", f"{rate_kbit}kbit",
           "ceil", f"{rate_kbit}kbit")
    for tier, share in shares.items():
        yield ("class", "add", "dev", device, "parent", "1:1", "classid", f"1:{numbers[tier]}", "htb",
               "rate", f"{rate_kbit * share // 100}kbit", "ceil", f"{rate_kbit}kbit", "prio", str(_HTB_PRIO[tier]),
               "quantum", "1514")
        yield ("qdisc", "add", "dev", device, "parent", f"1:{numbers[tier]}", "pfifo", "limit", str(queue))
        for dscp in _MARKS.get(tier, ()) if scheduler != "fifo" else ():
            yield ("filter", "add", "dev", device, "parent", "1:", "protocol", "ip", "u32", "match", "ip", "tos",
                   hex(dscp << 2), "0xfc", "flowid", f"1:{numbers[tier]}")
