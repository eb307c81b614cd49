#!/usr/bin/env python3
"""Relayed sessions: one mail of 1 GB through Postern and through HAProxy in TCP mode, in turns, and the memory of idle ones.

    bench/relay.py [--postern PROGRAM] [--rounds 5] [--megabytes 1024] [--sessions 10000]

Needs root (Postern changes its user), HAProxy, and a native postern (default: artifacts/native/postern). Every process is its
own: the sender, the front, and the server behind, which throws away what it gets. Everything is on loopback.
"""

import argparse
import os
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

DISCARD = 1 << 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port):
    """The server behind: greets, throws away, and closes when the client has closed."""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    sessions = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                try:
                    session, _ = listener.accept()
                except BlockingIOError:
                    continue
                session.send(b"220 sink\r\n")
                sessions[session.fileno()] = session
                poll.register(session.fileno(), select.EPOLLIN)
                continue
            try:
                if sessions[descriptor].recv(DISCARD, socket.MSG_TRUNC):
                    continue
            except OSError:
                pass
            poll.unregister(descriptor)
            sessions.pop(descriptor).close()


def fork(work, *arguments):
    child = os.fork()
    if child == 0:
        try:
            work(*arguments)
        finally:
            os._exit(1)
    return child


def wait_for(port):
    for _ in range(400):
        try:
            connect(port).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}")


def connect(port):
    session = socket.create_connection(("127.0.0.1", port), timeout=60)
    greeting = b""
    while not greeting.endswith(b"\n"):
        piece = session.recv(100)
        if not piece:
            raise OSError("no greeting")
        greeting += piece
    return session


def cpu(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def send(port, file, size):
    session = connect(port)
    session.settimeout(None)
    start = time.perf_counter()
    sent = 0
    while sent < size:
        sent += os.sendfile(session.fileno(), file.fileno(), sent, size - sent)
    session.shutdown(socket.SHUT_WR)
    while session.recv(100):
        pass
    return size / 1e6 / (time.perf_counter() - start)


def start_postern(parent, program, port, target):
    folder = f"{parent}/postern-{port}"
    for name in ("config", "data", "queue"):
        os.makedirs(f"{folder}/{name}")
    for name in (parent, folder):
        os.chmod(name, 0o755)
    with open(f"{folder}/config/main.cf", "w") as file:
        file.write(f"""compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
mail_owner = nobody
myhostname = mail.bench.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
default_process_limit = 30000
postscreen_client_connection_count_limit = 0
""")
    with open(f"{folder}/config/master.cf", "w") as file:
        file.write(f"127.0.0.1:{port} inet n - n - 1 postscreen\n")
    with open(f"{folder}/config/postern.cf", "w") as file:
        file.write(f"postern_handoff = relay:tcp:127.0.0.1:{target}=none\n")
    return subprocess.Popen([program, "serve", "-c", f"{folder}/config"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_haproxy(folder, name, port, target, options):
    with open(f"{folder}/{name}.cfg", "w") as file:
        file.write(f"""global
    maxconn 1000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen mail
    bind 127.0.0.1:{port}
    {options}
    server sink 127.0.0.1:{target}
""")
    return subprocess.Popen(["haproxy", "-db", "-f", f"{folder}/{name}.cfg"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def throughput(fronts, rounds, size):
    results = {name: [] for name in fronts}
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        block = os.urandom(1 << 20)
        for _ in range(size >> 20):
            file.write(block)
        file.flush()
        for turn in range(rounds + 1):
            for name, (port, pid) in fronts.items():
                before = cpu(pid)
                rate = send(port, file, size)
                if turn > 0:  # the first warms up
                    results[name].append((rate, cpu(pid) - before))
    for name, figures in results.items():
        rates, seconds = [f[0] for f in figures], [f[1] for f in figures]
        print(f"{name}: {statistics.median(rates):.0f} MB/s ({min(rates):.0f} to {max(rates):.0f}), {statistics.median(seconds):.2f} s of CPU")


def idle(posterns, sessions):
    """Sessions that stand still, spread over the given Posterns (port, process)."""
    warm = [connect(port) for port, _ in posterns for _ in range(300)]
    time.sleep(2)
    before = sum(private_bytes(pid) for _, pid in posterns)
    ours = [connect(posterns[number % len(posterns)][0]) for number in range(sessions - len(warm))]
    for session in ours:
        session.send(b"NOOP\r\n")
    time.sleep(3)
    each = (sum(private_bytes(pid) for _, pid in posterns) - before) / len(ours)
    print(f"{len(ours) + len(warm)} idle relayed sessions in {len(posterns)} process(es): {each:.0f} bytes of private memory each")
    for session in ours + warm:
        session.close()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--postern", default=os.path.join(here, "../artifacts/native/postern"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--sessions", type=int, default=10000)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    folder = tempfile.mkdtemp(prefix="postern-relay-bench-")
    target, ports = free_port(), [free_port() for _ in range(3)]
    server, programs = fork(serve, target), []
    try:
        wait_for(target)
        programs.append(start_postern(folder, options.postern, ports[0], target))
        names = ["Postern"]
        if shutil.which("haproxy"):
            programs.append(start_haproxy(folder, "plain", ports[1], target, ""))
            programs.append(start_haproxy(folder, "splice", ports[2], target, "option splice-auto"))
            names += ["HAProxy", "HAProxy with splice-auto"]
        fronts = {name: (port, program.pid) for name, port, program in zip(names, ports, programs)}
        for port, _ in fronts.values():
            wait_for(port)
        throughput(fronts, options.rounds, options.megabytes << 20)
        if options.sessions:
            # A relayed session takes two descriptors of Postern's; a few dozen it needs for itself.
            posterns, most = [fronts["Postern"]], (hard - 150) // 2
            while most * len(posterns) < options.sessions:
                port = free_port()
                programs.append(start_postern(folder, options.postern, port, target))
                wait_for(port)
                posterns.append((port, programs[-1].pid))
            idle(posterns, options.sessions)
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait()
        os.kill(server, signal.SIGKILL)
        shutil.rmtree(folder)


main()
