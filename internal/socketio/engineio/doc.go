// Package engineio is Engine.IO in Go, protocol revision 4: ordered messages between a browser and a server over HTTP
// long-polling or WebSocket, with heartbeats, and a change from the one to the other under way. The client, [Conn], also
// speaks revision 3.
//
// A [Server] makes a [Session] for each client. Sending never waits: what the transport does not take at once is
// queued: a client is judged by whether it goes on reading, and what all of them together leave unread is bounded. A [Message] is
// encoded once, WebSocket frame included, and can be sent to any number of sessions.
//
// WebSocket handshakes, masks and the rules about frames are those of github.com/gobwas/ws. Reading and writing are
// done here, without a buffer a connection: bytes are read into a borrowed buffer when the kernel has some, and written
// straight to the kernel by whoever sends; a goroutine takes over only when the kernel is full. That holds for plain sockets,
// with TLS ended by a proxy in front. Where Go ends it, a waiting connection keeps a borrowed buffer of 4 kB and the
// goroutine that has grown with the messages it read, besides what crypto/tls holds, and all writing takes a goroutine.
//
// A polling client costs what net/http takes: for a poll that waits two goroutines, the handler's and the one that watches
// for the client's going, and their connection's buffers; for a POST mostly a second connection with a goroutine.
//
// The protocol is described at https://socket.io/docs/v4/engine-io-protocol/.
package engineio
