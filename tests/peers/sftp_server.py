"""An SFTP server by asyncssh, for one folder and one account: run by the Python of its own environment.

python sftp_server.py PORT FOLDER HOST_KEY PASSWORD PUBLIC_KEY
"""

import asyncio
import sys

import asyncssh

PORT, FOLDER, HOST_KEY, PASSWORD, PUBLIC_KEY = sys.argv[1:]
ACCOUNT = "school"


class OneAccount(asyncssh.SSHServer):
    """Lets one account in, by its password or its key."""

    def begin_auth(self, username: str) -> bool:
        """Everybody must show something."""
        return True

    def password_auth_supported(self) -> bool:
        """A password will do."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Compare it."""
        return (username, password) == (ACCOUNT, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        """A key will do."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Compare it."""
        return username == ACCOUNT and key == asyncssh.read_public_key(PUBLIC_KEY)


async def main() -> None:
    """Serve until told to end."""
    server = await asyncssh.listen(
        "127.0.0.1", int(PORT), server_host_keys=[HOST_KEY], server_factory=OneAccount,
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=FOLDER.encode()),
    )  # fmt: skip
    await server.wait_closed()


asyncio.run(main())
