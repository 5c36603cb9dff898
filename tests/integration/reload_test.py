#!/usr/bin/env python3
"""flowmarkd while it loads: it serves, feeds the watchdog, and misses no change of a file."""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import unittest

import rig

NULL_PORTS = ("ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"
              "metrics: {listen: ''}\n")


class Connection:
    """To the control socket, for more than one request."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(rig.PATIENCE_S)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")

    def send(self, *commands):
        self.socket.sendall("".join(json.dumps({"command": c}) + "\n" for c in commands).encode())

    def answer(self):
        return json.loads(self.lines.readline())

    def close(self):
        self.lines.close()
        self.socket.close()


class ReloadTest(rig.FolderTest):
    def setUp(self):
        super().setUp()
        self.model = self.path("m.onnx")
        rig.make_model(self.model, "voip", "streaming")
        self.config = (self.base_config() + NULL_PORTS +
                       "models: [{name: category, path: m.onnx}]\n")

    def daemon(self, config=None, **how):
        return rig.Daemon(self.folder, config or self.config, **how)

    def connect(self):
        connection = Connection(self.path("ctl.sock"))
        self.addCleanup(connection.close)
        return connection

    def sha256(self, daemon):
        return [model["sha256"] for model in daemon.ctl("status")["models"]]

    def wait_for_log(self, daemon, text):
        rig.wait_for(text, lambda: text in daemon.log())

    # The control thread.

    @contextlib.contextmanager
    def load_that_stands_still(self, daemon, config):
        """The configuration is a pipe that nobody writes to; at the end a file with `config`."""
        os.mkfifo(self.path("pipe"))
        os.rename(self.path("pipe"), daemon.config_path)
        waiting = self.connect()
        waiting.send("reload")
        daemon.wait_notification("RELOADING=1")
        yield
        pipe = os.open(daemon.config_path, os.O_RDWR)
        daemon.write_config(config)
        os.close(pipe)
        self.assertIn("outcome", waiting.answer())

    def test_while_it_loads_the_watchdog_is_fed_and_ctl_is_served(self):
        os.environ["WATCHDOG_USEC"] = "200000"
        self.addCleanup(os.environ.pop, "WATCHDOG_USEC")
        with self.daemon() as daemon:
            changed = self.config + "marking: {classes: {voip: CS5}}\n"
            with self.load_that_stands_still(daemon, changed):
                for _ in range(20):
                    daemon.wait_notification("WATCHDOG=1")
                    self.assertEqual(daemon.ctl("status")["generation"], 2)
                flood = self.connect()
                flood.send(*["reload"] * 800)  # 16.8 KB
                daemon.forget_notifications()
                for _ in range(3):
                    daemon.wait_notification("WATCHDOG=1")
                    self.assertEqual(daemon.ctl("status")["generation"], 2)
            rig.wait_for("the configuration", lambda: daemon.ctl("status")["generation"] == 3)
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_load_that_stands_still_keeps_nothing_from_ending(self):
        with self.daemon() as daemon:
            pipe = self.path("pipe")
            os.mkfifo(pipe)
            os.rename(pipe, daemon.config_path)
            waiting = self.connect()
            waiting.send("reload")
            daemon.wait_notification("RELOADING=1")
            status, summary = daemon.stop()
            self.assertEqual(status, 0)
            self.assertIn("received", summary)

    def test_nor_a_start_that_stands_still(self):
        pipe = self.path("pipe.yaml")
        os.mkfifo(pipe)
        start = subprocess.Popen([rig.tool("flowmarkd"), "--config", pipe])
        self.addCleanup(start.kill)
        # It reads the pipe once this has opened it for writing; nothing is ever written.
        with open(pipe, "wb"):
            start.terminate()
            self.assertEqual(start.wait(timeout=rig.PATIENCE_S), -signal.SIGTERM)

    def test_an_error_of_the_control_thread_ends_nothing(self):
        with self.daemon() as daemon:
            _, most = resource.prlimit(daemon.process.pid, resource.RLIMIT_AS)
            resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (1 << 20, most))
            daemon.process.send_signal(signal.SIGHUP)  # no memory for the thread that loads
            self.wait_for_log(daemon, "the control thread goes on after an error")
            resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (most, most))
            self.assertEqual(daemon.ctl("reload")["outcome"], "unchanged")
            self.assertEqual(daemon.stop()[0], 0)

    def test_many_requests_in_one_go_are_all_answered_between_others(self):
        with self.daemon() as daemon:
            flood = self.connect()
            flood.send(*["reload"] * 800)  # 16.8 KB
            for _ in range(20):
                self.assertEqual(daemon.ctl("status")["generation"], 2)
            for _ in range(800):
                self.assertEqual(flood.answer()["outcome"], "unchanged")
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_folder_that_is_gone_ends_nothing(self):
        inner = self.path("inner")
        os.mkdir(inner)
        shutil.move(self.model, inner)
        self.folder, whole = inner, self.folder
        self.addCleanup(lambda: setattr(self, "folder", whole))
        config = self.config.replace("ctl.sock", os.path.join(whole, "ctl.sock"))
        with self.daemon(config, cwd=inner, relative=True) as daemon:
            log_path = os.path.join(whole, "flowmarkd.log")
            os.rename(daemon.log_path, log_path)
            daemon.log_path = log_path
            daemon.folder = whole
            shutil.rmtree(inner)
            self.wait_for_log(daemon, "changed file: refused")
            self.assertEqual(daemon.ctl("reload")["outcome"], "refused")
            os.mkdir(inner)
            rig.make_model(os.path.join(inner, "m.onnx"), "streaming", "voip")
            with open(os.path.join(inner, "flowmark.yaml"), "w") as file:
                file.write(config)
            self.wait_for_log(daemon, "changed file: loaded")
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(timeout=rig.PATIENCE_S), 0, daemon.log())

    # Files.

    def test_a_relative_configuration_is_watched(self):
        with self.daemon(cwd=self.folder, relative=True) as daemon:
            daemon.write_config(self.config + "marking: {classes: {voip: CS5}}\n")
            self.wait_for_log(daemon, "changed file: loaded, generation 3")
            self.assertEqual(daemon.stop()[0], 0)

    def test_the_target_of_a_link_is_watched(self):
        os.rename(self.model, self.path("target.onnx"))
        os.symlink("target.onnx", self.model)
        with self.daemon() as daemon:
            rig.make_model(self.path("target.onnx"), "streaming", "voip")
            self.wait_for_log(daemon, "changed file: loaded, generation 3")
            rig.make_model(self.path("other.onnx"), "voip", "chat")
            os.symlink("other.onnx", self.path("link"))
            os.rename(self.path("link"), self.model)
            self.wait_for_log(daemon, "changed file: loaded, generation 4")
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_model_that_is_removed_is_told_and_stays(self):
        with self.daemon() as daemon:
            running = self.sha256(daemon)
            os.unlink(self.model)
            self.wait_for_log(daemon, "m.onnx: there is no such file")
            self.assertEqual(self.sha256(daemon), running)
            rig.make_model(self.model, "streaming", "voip")
            self.wait_for_log(daemon, "changed file: loaded")
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_change_during_a_load_is_not_lost(self):
        with self.daemon() as daemon:
            before = self.sha256(daemon)
            with self.load_that_stands_still(daemon, self.config):
                rig.make_model(self.model, "streaming", "voip")
            rig.wait_for("the model", lambda: self.sha256(daemon) != before)
            self.assertEqual(daemon.stop()[0], 0)

    # Rollback.

    def test_a_rollback_lasts(self):
        with self.daemon() as daemon:
            self.assertIn("no earlier", daemon.ctl("rollback")["message"])
            good = self.sha256(daemon)
            self.assertTrue(good)
            rig.make_model(self.model, "streaming", "voip")
            self.wait_for_log(daemon, "changed file: loaded")
            self.assertEqual(daemon.ctl("rollback")["outcome"], "rolled_back")
            os.utime(self.model)
            self.wait_for_log(daemon, "its file was rolled back")
            daemon.hang_up()
            self.assertEqual(daemon.ctl("reload")["outcome"], "unchanged")
            self.assertEqual(self.sha256(daemon), good)
            self.assertEqual(daemon.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
