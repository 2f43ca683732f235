"""A gateway to subscribe to, for the end-to-end tests: HTTP and WebSocket (RFC 6455), the server's side, with every freedom to
misbehave. A handler is called with each connection's first request, on a thread of its own. Standard library only."""
import base64
import hashlib
import socket
import ssl
import struct
import threading

from websocket import CLOSE, GUID, PING, PONG, TEXT, Buffered, Closed, frame


class Peer(Buffered):
    """One connection: its request, then an answer to it, or a WebSocket."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.method, self.path = head[0].split(" ")[:2]
        self.headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in head[1:])}
        self.body = self._take(int(self.headers.get("content-length", 0)))
        self.upgrades = self.headers.get("upgrade", "").lower() == "websocket"

    def raw(self, data):
        self.sock.sendall(data)

    def answer(self, status=200, body=b"", kind="application/json", headers=(), sized=True):
        body = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", "Connection: close", *headers]
        if sized:
            lines.append(f"Content-Length: {len(body)}")
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    def upgrade(self, protocol=None):
        accept = base64.b64encode(hashlib.sha1(self.headers["sec-websocket-key"].encode() + GUID).digest()).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, payload, opcode=TEXT, **kind):
        self.raw(frame(opcode, payload.encode() if isinstance(payload, str) else payload, mask=None, **kind))

    def receive(self):
        """The next message as text; raises Closed at a close frame or the end."""
        while True:
            first, second = self._take(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack("!H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._take(8))[0]
            if not second & 0x80:
                raise AssertionError("a frame of a client without a mask")
            mask = self._take(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(self._take(size)))
            opcode = first & 0x0F
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                raise Closed(struct.unpack("!H", payload[:2])[0] if payload else 1005)
            elif opcode != PONG:
                return payload.decode()

    def linger(self):
        """Until the other side goes."""
        while True:
            self.receive()

    def cut(self):
        """Ends without a close frame, what was sent still arrives."""
        self.sock.shutdown(socket.SHUT_WR)
        self.close()

    def drop(self):
        """Resets: what was sent may be lost."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()


class Gateway:
    def __init__(self, handler, tls=None):
        """handler(peer); tls = (certificate, key)."""
        self.handler, self.errors, self.peers, self.lock = handler, [], set(), threading.Lock()
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        sock.settimeout(60)
        peer = None
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with self.lock:
                self.peers.add(sock)
            peer = Peer(sock)
            self.handler(peer)
        except (Closed, OSError):
            pass
        except Exception as error:  # what a test must hear of
            self.errors.append(error)
        finally:
            with self.lock:
                self.peers.discard(sock)
            sock.close()

    def stop(self):
        self.listener.close()
        with self.lock:
            for sock in self.peers:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        if self.errors:
            raise self.errors[0]
