// Package engineio is Engine.IO in Go, protocol revision 4: ordered messages between a browser and a server over HTTP
// long-polling or WebSocket, with heartbeats, and a change from the one to the other under way. The client, [Conn], also
// speaks revision 3.
//
// A [Server] makes a [Session] for each client. Sending never waits: what the transport does not take at once is
// queued, up to a bound. A [Message] is encoded once, WebSocket frame included, and can be sent to any number of sessions.
//
// WebSocket handshakes, masks and the rules about frames are those of github.com/gobwas/ws. Reading and writing are
// done here, without a buffer a connection: bytes are read into a borrowed buffer when the kernel has some, and written
// straight to the kernel by whoever sends; a goroutine takes over only when the kernel is full.
//
// The protocol is described at https://socket.io/docs/v4/engine-io-protocol/.
package engineio
