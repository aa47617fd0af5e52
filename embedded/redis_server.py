"""The embedded Redis: fakeredis' TCP server, in memory only."""

import threading

from fakeredis import TcpFakeServer

from embedded.child import announce, wait_for_end


class EmbeddedRedis(TcpFakeServer):
    """A Redis server on a free port of this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0))

        class Handler(self.RequestHandlerClass):  # type: ignore[misc,name-defined]
            # Otherwise pipelines wait for Nagle's algorithm: 22 a second instead of thousands.
            disable_nagle_algorithm = True

        self.RequestHandlerClass = Handler
        # A client that keeps its connection open must not keep the process from ending.
        self.daemon_threads = True
        self.block_on_close = False

    @property
    def url(self) -> str:
        """Its address, as ``REDIS_URL`` takes it."""
        return f"redis://127.0.0.1:{self.server_address[1]}/0"


def main() -> None:
    """Run a server until this process is told to end."""
    server = EmbeddedRedis()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    announce(server.url)
    wait_for_end()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
