"""Processes of a run: each in its own process group, each ended by its own group and no other."""

import contextlib
import os
import signal
import subprocess
import threading
import time

NAMESPACE_PREFIX = "fml-"


def check(*command, **options):
    """Runs a short command; raises with its output where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def inside(namespace, *command):
    return ("ip", "netns", "exec", NAMESPACE_PREFIX + namespace) + command


def remove_namespace(name):
    """Ends what still runs in a namespace of the lab (vsftpd's sessions leave their process group), then deletes it."""
    for pid in map(int, check("ip", "netns", "pids", name).split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    check("ip", "netns", "del", name)


class Processes:
    """Everything one owner (the run, or one session) started."""

    def __init__(self, log_folder):
        self.log_folder = log_folder
        os.makedirs(log_folder, exist_ok=True)
        self._running = []
        self._log_starts = {}
        self._closed = False
        self._lock = threading.Lock()

    def start(self, namespace, *command, log, **options):
        command = inside(namespace, *command) if namespace else command
        with open(os.path.join(self.log_folder, log + ".log"), "ab") as output, self._lock:
            if self._closed:
                raise RuntimeError("the run is ending")
            start = output.tell()
            options.setdefault("stdout", output)
            options.setdefault("stdin", subprocess.DEVNULL)
            process = subprocess.Popen(command, stderr=output, start_new_session=True, **options)
            self._running.append(process)
            self._log_starts[process.pid] = start  # a second attempt writes to the same file
        return process

    def wait_for_log(self, process, log, text, seconds=20):
        """Returns once the process has written `text` to its log."""
        path = os.path.join(self.log_folder, log + ".log")
        start = self._log_starts[process.pid]
        end = time.monotonic() + seconds
        while True:
            ended = process.poll() is not None
            with open(path, "rb") as file:
                file.seek(start)
                if text.encode() in file.read():
                    return
            if ended or time.monotonic() > end:
                raise RuntimeError(f"{log} {'ended' if ended else 'did not get'} before '{text}', see {path}")
            time.sleep(0.05)

    def stop(self, process, signal_number=signal.SIGTERM, patience=5):
        """Asks the process group to end, then makes it."""
        for number, wait in ((signal_number, patience), (signal.SIGKILL, 5)):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                pass
            try:
                process.wait(wait)
                break
            except subprocess.TimeoutExpired:
                continue
        try:  # what the leader left behind in its group
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        with self._lock:
            if process in self._running:
                self._running.remove(process)

    def stop_all(self):
        with self._lock:
            running = list(reversed(self._running))
        for process in running:
            self.stop(process, patience=3)

    def close(self):
        """Nothing can be started any more, and what was is ended."""
        with self._lock:
            self._closed = True
        self.stop_all()
