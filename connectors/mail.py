"""Sending a mail: one connection, one message, and what went wrong in words.

Belongs here: SMTP, its phases and its errors. Does not: what the address means or what is said (apprise.py).
The login never goes over an open line, and a certificate is always verified.
"""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from connectors.errors import OutsideError, Permanent, Refused, Transient

TIMEOUT = 10.0  # seconds for each step of the talk


@dataclass(frozen=True)
class Postbox:
    """A server that sends mail for us: where it is, how its line is secured, how to log in."""

    system: str
    host: str
    port: int
    secured: Literal["ssl", "starttls", "insecure"]
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def try_out(self) -> None:
        """Connect and log in, and send nothing. Raises Transient or Permanent."""
        self._talk("check", "", [], "")

    def send(self, sender: str, receivers: list[str], message: str) -> None:
        """Send a message; it is sent once one of the receivers gets it. Raises Transient, Permanent or Refused."""
        self._talk("post", sender, receivers, message)

    def _talk(self, operation: str, sender: str, receivers: list[str], message: str) -> None:
        if self.user and self.secured == "insecure" and not _is_here(self.host):
            raise Permanent(self.system, operation, "its login would go over an open line: use mailtos:// in its address",
                            unsent=True)  # fmt: skip
        server, sending = None, False
        try:
            server = self._opened()
            if receivers:
                sending = True
                server.sendmail(sender, receivers, message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise _meant(self.system, operation, error, sending) from None
        finally:
            if server is not None:
                with suppress(OSError, smtplib.SMTPException):
                    server.quit()

    def _opened(self) -> smtplib.SMTP:
        """Connect, secure the line and log in."""
        context = ssl.create_default_context()
        if self.secured == "ssl":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        try:
            if self.secured == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def _meant(system: str, operation: str, error: Exception, sending: bool) -> OutsideError:
    """Give the error in words; what the server wrote may quote addresses and is left out."""
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return Permanent(system, operation, "the mail server does not let us in: check the user and the password",
                         status=error.smtp_code, unsent=True)  # fmt: skip
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLError):
        return Permanent(system, operation, "the line to the mail server cannot be secured: check its certificate, port "
                         "and mode", unsent=True)  # fmt: skip
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return _by_code(system, operation, min(codes, default=550), "none of the receivers takes mail: check them")
    if isinstance(error, smtplib.SMTPDataError):
        return _by_code(system, operation, error.smtp_code, "the mail server will not have this message", Refused)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_code(system, operation, error.smtp_code, "the mail server refuses: check the sender and the login")
    if isinstance(error, ValueError | smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return Permanent(system, operation, "the mail cannot be sent so: check the address", unsent=True)
    return Transient(system, operation, "the mail server cannot be reached, or hung up: try later", unsent=not sending)


def _by_code(
    system: str, operation: str, code: int, message: str, lasting: type[Permanent] = Permanent
) -> OutsideError:
    """A code of the four hundreds passes, one of the five hundreds lasts."""
    if code < 500:
        return Transient(
            system, operation, "the mail server takes nothing for now: try later", status=code, unsent=True
        )
    return lasting(system, operation, message, status=code, unsent=True)
