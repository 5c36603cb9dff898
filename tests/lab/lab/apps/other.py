"""What machines say to each other beside what people do: names, time, updates, telemetry, sensors, mail, logs.

Each session has one service with a server of its own and draws its rates. Its base has the services of small
packets, other_web.py those over HTTP and mail.
"""

import os

from ..packets import TCP, UDP, Rule
from ..servers import wait_for_port
from .other_web import WebServices

_NAMES = 400
_UNBOUND = """server:
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  module-config: "iterator"
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
{more}
remote-control:
  control-enable: no
"""
_UNBOUND_FAR = """  interface: {address}@53
  interface: {address}@853
  tls-service-key: "{certificates}/server.key"
  tls-service-pem: "{certificates}/server.pem"
  local-zone: "lab." static
"""
_UNBOUND_CLIENT = """  interface: 127.0.0.1@53
  cache-max-ttl: 2
forward-zone:
  name: "."
  forward-tls-upstream: yes
  forward-addr: {address}@853
"""
_CHRONY = """cmdport 0
bindcmdaddress /
pidfile {folder}/chronyd-{side}.pid
{more}
"""
_RSYSLOG = """module(load="imtcp")
module(load="imudp")
input(type="imtcp" port="514")
input(type="imudp" port="514")
*.* /dev/null
"""


class Other(WebServices):
    label = "other"
    variants = ("dns", "mqtt", "telemetry", "ntp", "dns-tls", "updates", "snmp", "mail", "coap", "syslog")

    def prepare(self):
        self.add_host()
        self.method = self.session.variant.replace("-", "_")
        getattr(self, "prepare_" + self.method)()

    def rules(self):
        return [Rule(protocol, peers=frozenset([self.host_address])) for protocol in (TCP, UDP)]

    def run(self):
        running = getattr(self, "run_" + self.method)()
        self.pause(self.session.seconds)
        self.must_run(*running)

    # -- names: one socket or several, at a steady rate or in bursts

    def prepare_dns(self):
        dice = self.random
        more = _UNBOUND_FAR.format(address=self.host_address, certificates=self.lab.certificates)
        kinds = ("A", "A", "AAAA", "HTTPS", "TXT", "MX")
        questions = self.write("questions", "".join(
            f"n{dice.randrange(_NAMES)}.lab {dice.choice(kinds)}\n" for _ in range(5000)))
        for n in range(_NAMES):
            for _ in range(dice.choice((1, 1, 2, 4))):
                more += f'  local-data: "n{n}.lab. 300 IN A 192.0.2.{dice.randrange(256)}"\n'
            if dice.random() < 0.6:
                more += f'  local-data: "n{n}.lab. 300 IN AAAA 2001:db8::{dice.randrange(1, 9999)}"\n'
            if dice.random() < 0.3:
                more += f"  local-data: 'n{n}.lab. 300 IN TXT \"{'v' * dice.randint(10, 250)}\"'\n"
        path = self.write("unbound.conf", _UNBOUND.format(folder=self.folder, more=more))
        self.host_process("unbound", "-d", "-c", path, log="unbound")
        wait_for_port(self.host, self.host_address, 53)
        self._ask = ["dnsperf", "-d", questions, "-T", "1"]

    def run_dns(self):
        self._ask_on(self.host_address, self.random.choice((1, 1, 2, 8, 30)))
        return []

    def _ask_on(self, server, sockets):
        dice = self.random
        steady = dice.random() < 0.4
        while self.left() > 2:
            seconds = self.left() - 1 if steady else min(self.left() - 1, dice.uniform(3, 25))
            rate = max(1, round(10 ** dice.uniform(0.0, 1.5)))
            self.wait(self.client_process(*self._ask, "-s", server, "-c", str(sockets), "-Q", str(rate), "-l",
                                          str(max(1, round(seconds))), log="dnsperf"), must_succeed=False)
            self.pause(dice.lognormvariate(0, 0.8))

    def prepare_dns_tls(self):
        self.prepare_dns()
        wait_for_port(self.host, self.host_address, 853)

    def run_dns_tls(self):
        more = _UNBOUND_CLIENT.format(address=self.host_address)
        path = self.write("forwarder.conf", _UNBOUND.format(folder=self.folder, more=more))
        forwarder = self.client_process("unbound", "-d", "-c", path, log="forwarder")
        wait_for_port(self.client, "127.0.0.1", 53)
        self._ask_on("127.0.0.1", 1)
        return [forwarder]

    # -- time

    def _chrony(self, side, more, start):
        path = self.write(f"chrony-{side}.conf", _CHRONY.format(folder=self.folder, side=side, more=more))
        return start("chronyd", "-d", "-x", "-U", "-u", "root", "-f", path, log="chronyd-" + side)

    def prepare_ntp(self):
        self._chrony("far", f"local stratum 3\nallow all\nbindaddress {self.host_address}", self.host_process)

    def run_ntp(self):
        dice = self.random
        poll = dice.choice((-1, 0, 0, 1))
        port = dice.choice((0, 123, 11123))
        line = f"server {self.host_address} iburst minpoll {poll} maxpoll {poll}{dice.choice((' xleave', ''))}"
        return [self._chrony("client", f"port 0\nacquisitionport {port}\n{line}", self.client_process)]

    # -- sensors and switches

    def prepare_mqtt(self):
        self._port = self.random.choice((1883, 8883))
        more = f"certfile {self.lab.certificates}/server.pem\nkeyfile {self.lab.certificates}/server.key\n"
        path = self.write("mosquitto.conf", f"user root\nallow_anonymous true\nlistener {self._port}"
                          f" {self.host_address}\n{more if self._port == 8883 else ''}")
        self.host_process("mosquitto", "-c", path, log="mosquitto")
        wait_for_port(self.host, self.host_address, self._port)

    def _mqtt(self, program, *options):
        secure = ("--insecure", "--cafile", f"{self.lab.certificates}/server.pem") if self._port == 8883 else ()
        return (program, "-h", self.host_address, "-p", str(self._port), *secure, *options)

    def _publish(self, start, topic):
        dice = self.random
        text = '{"value":' + "7" * max(1, round(dice.lognormvariate(3.5, 1))) + "}"
        return start(*self._mqtt("mosquitto_pub", "-t", topic, "-m", text, "-q", str(dice.randint(0, 2)), "--repeat",
                                 "100000", "--repeat-delay", f"{dice.lognormvariate(0, 0.8):.2f}"), log="publish")

    def run_mqtt(self):
        dice = self.random
        running = [self.client_process(*self._mqtt("mosquitto_sub", "-t", "order/#", "-k", str(dice.randint(5, 30))),
                                       log="subscribe")]
        running += [self._publish(self.client_process, f"state/{n}") for n in range(dice.randint(1, 4))]
        self._publish(self.host_process, "order/1")
        return running

    def prepare_coap(self):
        self.host_process("coap-server-openssl", "-A", self.host_address, "-p", "5683", log="coap-server")

    def run_coap(self):
        """Some watch a value that changes every second, others ask for it now and then."""
        url = f"coap://{self.host_literal}"
        span = str(self.session.seconds + 20)
        running = [self.client_process("coap-client-openssl", "-m", "get", "-s", span, "-B", span, f"{url}/time",
                                       log="coap-watch") for _ in range(self.random.randint(1, 4))]
        while self.left() > 2:
            path = self.random.choice(("time", ".well-known/core", "", "async?1"))
            self.wait(self.client_process("coap-client-openssl", "-m", "get", "-B", "4", f"{url}/{path}", log="coap"),
                      must_succeed=False)
            self.pause(self.random.lognormvariate(0.7, 0.8))
        return running

    # -- watching over machines

    def prepare_snmp(self):
        self._agent = f"udp{6 if self.session.family == 6 else ''}:{self.host_literal}:161"
        path = self.write("snmpd.conf", "rocommunity public\nrocommunity6 public\nsysLocation lab\n")
        self.host_process("snmpd", "-f", "-Lo", "-C", "-c", path, "-p", os.path.join(self.folder, "snmpd.pid"),
                          self._agent, log="snmpd")

    def run_snmp(self):
        """A monitor's rounds: single values often, whole tables now and then."""
        dice = self.random
        interval = dice.lognormvariate(0.9, 0.6)
        common = ("-v2c", "-c", "public", "-On", "-r", "2")
        while self.left() > 2:
            if dice.random() < 0.5:
                what = ["snmpget", *common, self._agent, *(f".1.3.6.1.2.1.1.{n}.0" for n in (1, 3, 5))]
            elif dice.random() < 0.5:
                what = ["snmpbulkwalk", *common, f"-Cr{dice.choice((5, 10, 25))}", self._agent, ".1.3.6.1.2.1.2"]
            else:
                what = ["snmpwalk", *common, self._agent, f".1.3.6.1.2.1.{dice.choice((1, 4, 6))}"]
            self.wait(self.client_process(*what, log="snmp"), must_succeed=False)
            self.pause(interval * dice.uniform(0.7, 1.3))
        return []

    def prepare_syslog(self):
        path = self.write("rsyslog.conf", f"global(workDirectory=\"{self.folder}\")\n" + _RSYSLOG)
        self.host_process("rsyslogd", "-n", "-f", path, "-i", os.path.join(self.folder, "rsyslogd.pid"), log="rsyslogd")
        wait_for_port(self.host, self.host_address, 514)

    def run_syslog(self):
        """Services that log over one connection or socket each, some chatty, some not."""
        dice, running = self.random, []
        ways = ["-T"] + [dice.choice(("-T", "-d")) for _ in range(dice.randint(0, 2))]
        for place, way in enumerate(ways):
            mean = dice.lognormvariate(-0.4, 0.8)
            lines = "".join(f"{dice.expovariate(1 / mean):.2f} {'message ' * dice.randint(2, 30)}\n"
                            for _ in range(3000))
            path = self.write(f"lines{place}", lines)
            script = (f"while read -r wait line; do sleep $wait; echo \"$line\"; done <{path} |"
                      f" logger --server {self.host_address} --port 514 {way} --tag service{place}")
            running.append(self.client_process("sh", "-c", script, log="logger"))
        return running
