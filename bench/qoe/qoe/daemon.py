"""flowmarkd in the box, forwarding between the two lines; and what it made of each application."""

import contextlib
import datetime
import json
import os
import re
import socket
import time

from .marks import TUNNEL_PORTS
from .network import APPLICATIONS, PLAIN
from .shell import ROOT, check

MODEL = os.path.join(ROOT, "config", "models", "category.onnx")
_PORT = "{{name: 'net_af_packet{number},iface={device},blocksz=65536,framesz=2048,framecnt=4096', role: {role}}}"
_START_S = 60
_VERDICT = re.compile(r"^(\S+) debug: (.+): category (\S+) \(([\d.]+)[^)]*\) after (\d+) packets$", re.MULTILINE)


class Daemon:
    """Running from the constructor to stop(); `marks`: it writes them, else it only looks."""

    def __init__(self, network, processes, programs, folder, rate_mbit, marks, model=MODEL):
        self._processes = processes
        self._programs = programs
        self._socket = os.path.join(folder, "ctl.sock")
        config = os.path.join(folder, "flowmark.yaml")
        ports = "".join(f"  - {_PORT.format(number=number, device=device, role=role)}\n"
                        for number, (device, role) in enumerate((("dlan", "lan"), ("dwan", "wan"))))
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"eal: {{memory_mb: 160, huge_pages: 'off', file_prefix: qoe{os.getpid()}}}\n"
                       f"control: {{socket: {self._socket}}}\nmetrics: {{listen: ''}}\nports:\n{ports}"
                       f"log: {{level: debug}}\n"  # each verdict
                       f"models: [{{name: category, path: {model}}}]\n"
                       f"marking: {{mode: {'always' if marks else 'report'}, link_mbit: {round(rate_mbit)}}}\n")
        self._process = self._start(network, config, folder)

    def _start(self, network, config, folder):
        path = os.path.join(folder, "notify.sock")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(0.2)
            process = self._processes.start(
                None, *network.inside("box", os.path.join(self._programs, "flowmarkd"), "--config", config),
                log="flowmarkd", env=dict(os.environ, NOTIFY_SOCKET=path))
            end, ready = time.monotonic() + _START_S, False
            while not ready:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"flowmarkd did not start, see {self._processes.log_folder}/flowmarkd.log")
                with contextlib.suppress(TimeoutError):
                    ready = "READY=1" in notify.recv(4096).decode().split("\n")
        return process

    def flows(self):
        """All flows it has a verdict about, as `flowmark ctl flows` gives them."""
        answer = check(os.path.join(self._programs, "flowmark"), "ctl", "--socket", self._socket, "--json", "flows",
                       "--top", "500")
        return json.loads(answer)["flows"]

    def stop(self):
        self._processes.stop(self._process, patience=20)

    def log(self):
        with open(os.path.join(self._processes.log_folder, "flowmarkd.log"), encoding="utf-8") as file:
            return file.read()


def application_of(flow):
    """Whose flow it is, by the server's address or the tunnel's port; None: nobody's."""
    for application, number in APPLICATIONS.items():
        if f"{PLAIN}.{number}." in flow["flow"] or f":{TUNNEL_PORTS[application]} " in flow["flow"] + " ":
            return application
    return None


def verdicts(flows):
    """{application: {class or "none": bytes}}, as the newest verdicts of its flows have it."""
    found = {}
    for flow in flows:
        application = application_of(flow)
        if application and flow["verdicts"]:
            classes = found.setdefault(application, {})
            name = flow["verdicts"][0]["class"]
            name = "none" if name == "-" else name
            classes[name] = classes.get(name, 0) + flow["bytes"]
    return found


def history(log, began):
    """{application: changes of the verdict of its largest flow}: seconds since `began` (as time.time() has it), class,
    confidence, packets of the flow by then."""
    flows = {}
    for when, flow, name, confidence, packets in _VERDICT.findall(log):
        at_s = datetime.datetime.fromisoformat(when).timestamp() - began
        changes = flows.setdefault(flow, {"packets": 0, "changes": []})
        changes["packets"] = int(packets)
        name = "none" if name == "-" else name
        if not changes["changes"] or changes["changes"][-1]["class"] != name:
            changes["changes"].append({"at_s": round(at_s, 2), "class": name, "confidence": float(confidence),
                                       "packets": int(packets)})
    largest = {}
    for flow, found in flows.items():
        application = application_of({"flow": flow})
        if application and found["packets"] > largest.get(application, {"packets": 0})["packets"]:
            largest[application] = found
    return {application: found["changes"] for application, found in largest.items()}
