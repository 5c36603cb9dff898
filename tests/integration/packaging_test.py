#!/usr/bin/env python3
"""What is installed beside the programs: systemd units, rules, helper scripts."""

import os
import shutil
import unittest

import rig

# Those whose libraries were there.
ACTUATORS = [name for name in ("flowmark-conntrack", "flowmark-exec", "flowmark-nft") if os.path.exists(rig.tool(name))]


class SystemdTest(rig.FolderTest):
    def test_units_pass_verification_without_a_word(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not there")
        names = ["flowmarkd.service", "flowmark-hugepages.service"]
        names += [name + ".service" for name in ACTUATORS]
        for name in names:
            with open(os.path.join(rig.SOURCE, "systemd", name)) as file:
                unit = file.read()
            # The installed places of the programs do not exist here.
            unit = unit.replace("/usr/bin/flowmark", os.path.abspath(rig.tool("flowmark")))
            unit = unit.replace("/usr/libexec/flowmark/flowmark-hugepages",
                                os.path.abspath(os.path.join(rig.SOURCE,
                                                             "systemd/flowmark-hugepages")))
            with open(self.path(name), "w") as file:
                file.write(unit)
        result = rig.run("systemd-analyze", "verify", "--man=no", *map(self.path, names))
        self.assertEqual(result.stdout + result.stderr, "")
        self.assertEqual(result.returncode, 0)

    def test_actuators_can_do_little_else(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not there")
        for name in ACTUATORS:
            result = rig.run("systemd-analyze", "security", "--offline=true", "--threshold=25",
                             os.path.join(rig.SOURCE, "systemd", name + ".service"))
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_hugepages_helper_only_raises_the_number(self):
        helper = os.path.join(rig.SOURCE, "systemd/flowmark-hugepages")
        for present, wanted_mb, expected in (("10\n", "64", "32"), ("100\n", "64", "100"),
                                             ("0\n", "0", "0")):
            with open(self.path("nr"), "w") as file:
                file.write(present)
            result = rig.run("sh", helper, env=dict(os.environ, FLOWMARK_HUGEPAGES_MB=wanted_mb,
                                                    FLOWMARK_HUGEPAGES_FILE=self.path("nr")))
            self.assertEqual(result.returncode, 0, result.stderr)
            with open(self.path("nr")) as file:
                self.assertEqual(file.read().strip(), expected)
        result = rig.run("sh", helper, env=dict(os.environ, FLOWMARK_HUGEPAGES_MB="lots"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("value lots", result.stderr)


class InstallTest(rig.FolderTest):
    def install(self):
        result = rig.run("cmake", "--install", os.path.dirname(os.path.abspath(rig.BIN)),
                         "--prefix", "/opt/flowmark", env=dict(os.environ, DESTDIR=self.folder))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def find(self, name):
        """The one installed file whose path ends so."""
        paths = [os.path.join(folder, file) for folder, _, files in os.walk(self.folder)
                 for file in files]
        found = [path for path in paths if path.endswith(name)]
        self.assertEqual(len(found), 1, (name, paths))
        return found[0]

    def test_installing_again_keeps_the_operators_files_and_adds_missing_ones(self):
        self.install()
        kept = [self.find(name) for name in ("etc/flowmark/flowmark.yaml",
                                             "etc/flowmark/models/category.onnx",
                                             "etc/logrotate.d/flowmark")]
        for path in kept:
            with open(path, "w") as file:
                file.write("mine")
        os.unlink(self.find("etc/flowmark/minimal.yaml"))
        self.install()
        for path in kept:
            with open(path) as file:
                self.assertEqual(file.read(), "mine", path)
        self.find("etc/flowmark/minimal.yaml")
        with open(self.find("share/flowmark/examples/flowmark.yaml")) as example, \
                open(os.path.join(rig.SOURCE, "config/flowmark.yaml")) as shipped:
            self.assertEqual(example.read(), shipped.read())

    def test_programs_are_installed_without_symbols_and_run(self):
        self.install()
        for name in ["flowmarkd", "flowmark"] + ACTUATORS:
            program = self.find("bin/" + name)
            sections = rig.run("readelf", "--sections", "--wide", program).stdout
            self.assertIn(".text", sections)
            self.assertNotIn(".debug_info", sections)
            self.assertNotIn(".symtab", sections)
            self.assertEqual(rig.run(program, "--version").stdout.split()[0], name)

    def test_the_logrotate_file_is_read_without_a_complaint(self):
        if shutil.which("logrotate") is None:
            self.skipTest("logrotate is not there")
        self.install()
        result = rig.run("logrotate", "--debug", "--state", self.path("state"),
                         self.find("etc/logrotate.d/flowmark"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("error", result.stderr)


class RulesTest(unittest.TestCase):
    def test_prometheus_rules(self):
        if shutil.which("promtool") is None:
            self.skipTest("promtool is not there")
        folder = os.path.join(rig.SOURCE, "config/prometheus")
        for command in (("check", "rules", "flowmark.rules.yml"),
                        ("test", "rules", "flowmark.rules.test.yml")):
            result = rig.run("promtool", *command, cwd=folder)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class CommandLineTest(unittest.TestCase):
    def test_version_help_and_wrong_use(self):
        for name in ["flowmarkd", "flowmark"] + ACTUATORS:
            version = rig.run(rig.tool(name), "--version")
            self.assertEqual((version.returncode, version.stdout.split()[0]), (0, name))
            self.assertEqual(rig.run(rig.tool(name), "--help").returncode, 0)
            command = {"flowmark": ["ctl", "status"]}.get(name, [])
            wrong = rig.run(rig.tool(name), *command, "--nonsense")
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("--nonsense", wrong.stderr)

    def test_ctl_names_the_socket_nobody_answers_on(self):
        result = rig.run(rig.tool("flowmark"), "ctl", "--socket", "/nonexistent/s", "status")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/nonexistent/s", result.stderr)


if __name__ == "__main__":
    unittest.main()
