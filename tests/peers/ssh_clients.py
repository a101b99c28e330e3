"""Logs in over SSH with paramiko or asyncssh by keyboard-interactive, and prints as JSON what the
client hands to its user.

    ssh_clients.py paramiko|asyncssh PORT USER <REPLIES

REPLIES is a JSON object with `password`, and with `codes`, one for each prompt for a code. Each line
of the output is a list: ["request", INSTRUCTIONS, PROMPT...] for a request of the server, ["banner",
TEXT], ["terminal", TEXT] for what the session shows before its command, and at the end ["inside"] or
["refused", EXCEPTION]. Without a code for a prompt it sends an empty line."""

import asyncio
import json
import sys

import asyncssh
import paramiko

HOST = "127.0.0.1"
replies = json.load(sys.stdin)


def say(*event):
    print(json.dumps(event, ensure_ascii=False), flush=True)


def answer(name, instructions, prompts):
    texts = [text for text, _echo in prompts]
    say("request", *filter(None, [name]), instructions, *texts)
    codes = replies["codes"]
    return [
        replies["password"] if text.endswith("Password: ") else codes.pop(0) if codes else ""
        for text in texts
    ]


def finish(output):
    shown, end, _rest = output.replace("\r", "").partition("inside\n")
    if shown:
        say("terminal", shown)
    say("inside" if end else "outside")


def with_paramiko(port, user):
    transport = paramiko.Transport((HOST, port))
    try:
        transport.start_client(timeout=10)
        try:
            transport.auth_interactive(user, answer)
        finally:
            if transport.get_banner():
                say("banner", transport.get_banner().decode())
        session = transport.open_session()
        session.get_pty()
        session.exec_command("echo inside")
        output = b""
        while chunk := session.recv(4096):
            output += chunk
        finish(output.decode())
    except paramiko.SSHException as error:
        say("refused", type(error).__name__, str(error))
    finally:
        transport.close()


class Client(asyncssh.SSHClient):
    def auth_banner_received(self, msg, lang):
        say("banner", msg)

    logins = 0

    def kbdint_auth_requested(self):
        """Ends after one login; asyncssh itself begins again until the server ends the connection."""
        self.logins += 1
        return "" if self.logins == 1 else None

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        return answer(name, instructions, prompts)


async def with_asyncssh(port, user):
    try:
        async with asyncssh.connect(
            HOST,
            port,
            username=user,
            known_hosts=None,
            config=None,
            client_keys=None,
            agent_path=None,
            preferred_auth="keyboard-interactive",
            client_factory=Client,
        ) as connection:
            ran = await connection.run("echo inside", term_type="dumb")
            finish(ran.stdout)
    except asyncssh.Error as error:
        say("refused", type(error).__name__, str(error))


program, port, user = sys.argv[1:]
if program == "paramiko":
    with_paramiko(int(port), user)
else:
    asyncio.run(with_asyncssh(int(port), user))
