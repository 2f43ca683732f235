"""A small WebSocket client (RFC 6455) for the end-to-end tests, with every freedom to misbehave. Standard library only."""
import base64
import hashlib
import os
import socket
import ssl
import struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The handshake was answered with something other than 101."""

    def __init__(self, status, head, body):
        super().__init__(f"{status}: {body[:200]!r}")
        self.status, self.head, self.body = status, head, body


class Closed(Exception):
    """The peer closed: code (None = without a close frame) and reason."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


def address_of(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def dial(address, timeout=10, tls=None):
    sock = socket.create_connection(address_of(address), timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        context = ssl.create_default_context(cafile=tls)
        sock = context.wrap_socket(sock, server_hostname="localhost")
    return sock


def frame(opcode, payload=b"", final=True, mask=b"\x11\x22\x33\x44", rsv=0):
    """A frame as its bytes; mask None = unmasked."""
    first = (0x80 if final else 0) | rsv | opcode
    masked = 0x80 if mask is not None else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, masked | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    if mask is None:
        return head + payload
    wide = int.from_bytes(payload, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + wide.to_bytes(size, "big")


class Buffered:
    """What reads a socket through a buffer: self.sock, self.buffer."""

    def _fill(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise Closed(None)
        self.buffer += piece

    def _until(self, mark):
        while mark not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _take(self, size):
        while len(self.buffer) < size:
            self._fill()
        piece, self.buffer = self.buffer[:size], self.buffer[size:]
        return piece


class WebSocket(Buffered):
    """Connects on construction; raises Refused where the answer is not 101."""

    def __init__(self, address, path="/", protocols=("convtap.v1",), token=None, headers=(), timeout=10, tls=None, sock=None,
                 method="GET", version="13", upgrade="websocket", key=None, replace=None):
        self.sock = sock or dial(address, timeout, tls)
        self.buffer = b""
        key = key if key is not None else base64.b64encode(os.urandom(16)).decode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address}", f"Upgrade: {upgrade}", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Version: {version}"]
        if protocols:
            lines.append("Sec-WebSocket-Protocol: " + ", ".join(protocols))
        if token:
            lines.append("Authorization: Bearer " + token)
        lines += headers
        request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.sock.sendall(replace(request) if replace else request)
        head = self._until(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        status = int(self.head.split(" ", 2)[1])
        if status != 101:
            rest = self._rest()
            self.sock.close()
            raise Refused(status, self.head, rest)
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        if f"Sec-WebSocket-Accept: {accept}" not in self.head:
            raise AssertionError("wrong Sec-WebSocket-Accept")
        self.protocol = next((line.split(": ", 1)[1] for line in self.head.split("\r\n")
                              if line.lower().startswith("sec-websocket-protocol:")), None)

    def _rest(self):
        try:
            while True:
                self._fill()
        except (Closed, OSError):
            return self.buffer

    def send(self, payload, opcode=None, **kind):
        data = payload.encode() if isinstance(payload, str) else payload
        self.sock.sendall(frame(opcode or (TEXT if isinstance(payload, str) else BINARY), data, **kind))

    def raw(self, data):
        self.sock.sendall(data)

    def frame(self):
        """The next frame: opcode, payload. Frames of a server are never masked."""
        first, second = self._take(2)
        if second & 0x80:
            raise AssertionError("a masked frame from a server")
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8))[0]
        return first & 0x0F, self._take(size)

    def receive(self, answer_pings=True):
        """The next message as text; raises Closed at a close frame."""
        while True:
            opcode, payload = self.frame()
            if opcode == PING:
                if answer_pings:
                    self.sock.sendall(frame(PONG, payload))
            elif opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                raise Closed(code, payload[2:].decode())
            elif opcode != PONG:
                return payload.decode()

    def close(self, code=1000):
        """A whole close; returns the code that came back."""
        try:
            self.sock.sendall(frame(CLOSE, struct.pack("!H", code)))
            while True:
                self.receive()
        except Closed as closed:
            return closed.code
        except OSError:
            return None
        finally:
            self.sock.close()

    def drop(self):
        """Without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
