#!/usr/bin/env python3
"""What a start needs of the machine: --check-config and the start refuse it alike. Signals, the log
file, and the exit statuses of ctl."""

import os
import re
import signal
import socket
import subprocess
import unittest

import rig

NULL_PORTS = "ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"


class NeedsTest(rig.FolderTest):
    def start(self, config, *arguments, before=()):
        with open(self.path("c.yaml"), "w") as file:
            file.write(config)
        return rig.run(*before, rig.tool("flowmarkd"), "--config", self.path("c.yaml"), *arguments)

    def refused(self, more, ports=NULL_PORTS, metrics="metrics: {listen: ''}\n", control=True,
                eal=True, before=()):
        """What both say."""
        lines = self.base_config().splitlines(keepends=True)
        config = lines[0] * eal + lines[1] * control
        told = []
        for option in (["--check-config"], []):
            result = self.start(config + ports + metrics + more, *option, before=before)
            self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
            told.append(re.sub(r"\d+ MB are free", "", result.stderr))  # now more, now less
        self.assertEqual(told[0], told[1], "--check-config judges as the start does")
        return told[0]

    def in_the_way(self):
        """A file where a folder should be: root may write into any folder."""
        with open(self.path("file"), "w"):
            pass
        return self.path("file")

    def test_memory(self):
        self.assertIn("flows.memory_mb: value 900000",
                      self.refused("flows: {memory_mb: 900000}\n"))
        self.assertIn("flows.budget_mb: value 900000",
                      self.refused("flows: {budget_mb: 900000}\n"))
        told = self.refused("eal: {memory_mb: 900000, huge_pages: 'off'}\n", eal=False)
        self.assertIn("eal.memory_mb: value 900000", told)

    def test_cores(self):
        self.assertIn("workers: value 1000", self.refused("workers: [1000]\n"))

    def test_log_file(self):
        path = self.in_the_way() + "/flowmarkd.log"
        self.assertIn("log.file: value " + path, self.refused("log: {file: '%s'}\n" % path))

    def test_control_socket(self):
        path = self.in_the_way()
        for socket_path in (path + "/ctl.sock", path, "/" + "x" * 200):
            self.assertIn("control.socket: value " + socket_path,
                          self.refused("control: {socket: '%s'}\n" % socket_path, control=False))

    def test_metrics_address(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            for address in ("127.0.0.1:%d" % taken.getsockname()[1], "192.0.2.1:9477",
                            "not an address:9477"):
                self.assertIn("metrics.listen: value " + address,
                              self.refused("", metrics="metrics: {listen: '%s'}\n" % address))

    def test_capture_of_a_port(self):
        port = NULL_PORTS.replace("net_null1", "'net_pcap0,%s'")
        self.assertIn("/nonexistent.pcap: No such file",
                      self.refused("", ports=port % "rx_pcap=/nonexistent.pcap"))
        for folder, reason in ((self.in_the_way(), "is not a folder"),
                               ("/nonexistent", "there is no such folder")):
            self.assertIn(folder + ": " + reason,
                          self.refused("", ports=port % ("tx_pcap=" + folder + "/out")))

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def refused_by_dpdk(self, ports, *eal_args):
        """What the check says where DPDK refuses the start."""
        config = self.base_config().replace("eal: {", "eal: {args: %s, " % list(eal_args))
        config += "metrics: {listen: ''}\n" + ports
        started = self.start(config)
        self.assertNotEqual(started.returncode, 0, started.stderr)
        checked = self.start(config, "--check-config")
        self.assertEqual(checked.returncode, 1, checked.stdout + checked.stderr)
        return checked.stderr

    def test_drivers_of_software_ports(self):
        told = self.refused_by_dpdk("ports: [{name: net_null0, role: lan}, "
                                    "{name: 'net_nul1,size=64', role: wan}]\n")
        self.assertIn("ports[1].name: value net_nul1,size=64: DPDK has no driver", told)

    def test_arguments_for_dpdk(self):
        for argument in ("--no-such-option", "--iova-mode=none", "--lcores=0@0"):
            told = self.refused_by_dpdk(NULL_PORTS, argument)
            self.assertIn("eal.args: value [%s]" % argument, told)

    def test_good_arguments_for_dpdk(self):
        config = self.base_config().replace("eal: {", "eal: {args: ['--vdev', 'net_null7'], ")
        checked = self.start(config + NULL_PORTS, "--check-config")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual(checked.stderr, "")

    def test_capabilities(self):
        ports = NULL_PORTS.replace("net_null1", "'net_af_packet0,iface=lo'")
        for name in ("net_raw", "net_admin"):
            told = self.refused("", ports=ports, before=("setpriv", "--bounding-set", "-" + name,
                                                         "--inh-caps", "-" + name))
            self.assertIn("needs the capability " + name.upper(), told)

    def test_the_class_map(self):
        """A start forwards all the same, and says so."""
        rig.make_model(self.path("m.onnx"), "voip", "streaming")
        config = (self.base_config() + NULL_PORTS + "metrics: {listen: ''}\n"
                  "models: [{name: category, path: m.onnx}]\n"
                  "marking: {classes: {viop: EF}}\n")
        result = self.start(config, "--check-config")
        self.assertEqual(result.returncode, 2)
        self.assertIn("marking.classes.viop: no configured model has this class", result.stderr)
        with rig.Daemon(self.folder, config) as daemon:
            self.assertIn("marking.classes.viop", daemon.log())

    def test_the_running_daemon_is_not_in_its_own_way(self):
        config = (self.base_config() + NULL_PORTS +
                  "metrics: {listen: '127.0.0.1:%d'}\n" % rig.free_port())
        with rig.Daemon(self.folder, config) as daemon:
            result = rig.run(rig.tool("flowmarkd"), "--config", daemon.config_path,
                             "--check-config")
            self.assertEqual(result.returncode, 0, result.stderr)


class RunningTest(rig.FolderTest):
    def config(self, more=""):
        return self.base_config() + NULL_PORTS + "metrics: {listen: ''}\n" + more

    def logged(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def test_user_signals_do_not_end_it_and_the_log_file_can_be_rotated(self):
        config = self.config("log: {file: daemon.log}\n")
        with rig.Daemon(self.folder, config) as daemon:
            os.rename(self.path("daemon.log"), self.path("daemon.log.1"))
            rig.wait_for("a new log file", lambda: os.path.exists(self.path("daemon.log")))
            rig.wait_for("its first line", lambda: "moved away" in self.logged("daemon.log"))
            for number in (signal.SIGUSR2, signal.SIGPIPE, signal.SIGALRM, signal.SIGIO,
                           signal.SIGPWR, signal.SIGRTMIN, signal.SIGRTMAX):
                daemon.process.send_signal(number)
            daemon.process.send_signal(signal.SIGUSR1)
            rig.wait_for("the signal", lambda: "open anew" in self.logged("daemon.log"))
            self.assertGreater(daemon.ctl("status")["received"], 0)
            self.assertEqual(daemon.stop()[0], 0, daemon.log())
        self.assertIn("flowmarkd", self.logged("daemon.log.1"))
        self.assertIn("stopping", self.logged("daemon.log"))

    def test_the_journal_gets_priorities(self):
        with open(self.path("c.yaml"), "w") as file:
            file.write("flows: {capcity: 1}\nmode: x\n")
        with open(self.path("err"), "w") as err:
            status = os.fstat(err.fileno())
            environment = dict(os.environ,
                               JOURNAL_STREAM="%d:%d" % (status.st_dev, status.st_ino))
            subprocess.run([rig.tool("flowmarkd"), "--config", self.path("c.yaml")],
                               stderr=err, env=environment, timeout=rig.PATIENCE_S)
        lines = self.logged("err").splitlines()
        self.assertGreater(len(lines), 1)
        self.assertTrue(all(line.startswith("<3>") for line in lines), lines)

    def ctl(self, *arguments):
        return rig.run(rig.tool("flowmark"), "ctl", "--socket", self.path("ctl.sock"), *arguments)

    def test_ctl_says_by_its_status_what_did_not_happen(self):
        with rig.Daemon(self.folder, self.config()) as daemon:
            for more in ([], ["--json"]):
                unknown = self.ctl("explain", "udp 192.0.2.7:1 192.0.2.8:2", *more)
                self.assertEqual(unknown.returncode, 1, unknown.stdout)
            self.assertEqual(self.ctl("reload").returncode, 0)
            daemon.write_config(self.config("idle: poll\n"))
            waits = self.ctl("reload")
            self.assertEqual(waits.returncode, 1)
            self.assertIn("needs a restart to take effect: idle", waits.stdout)
            self.assertEqual(self.ctl("reload", "--json").returncode, 1)


if __name__ == "__main__":
    unittest.main()
