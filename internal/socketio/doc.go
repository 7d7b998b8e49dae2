// Package socketio is Socket.IO in Go: a server and a client of protocol revision 5, which Socket.IO 3.x and 4.x speak, on
// Engine.IO revision 4 of package engineio. The client also speaks to Socket.IO 2.x servers.
//
// A browser opens a connection and joins namespaces on it; in each it is a [Socket]. A socket's way through the
// package:
//
//  1. CheckRequest may refuse the HTTP request, before anything is kept of it.
//  2. The client asks for a namespace. Middleware (Namespace.Use) sees the request and the auth payload, and may
//     refuse with a [ConnectError].
//  3. The OnConnect handlers run, then the handlers of the socket's events, in order, one at a time. Each socket has
//     an inbox of its own, so that one that is busy holds up no other, nor the reply to its own EmitWithAck, as long as
//     its inbox is not full: then the connection is not read.
//  4. The OnDisconnect handlers run last, with the reason.
//
// Emit never waits for a client. What a client has not read yet is queued, as long as it goes on reading and the server has
// room for what all clients together have not read: the slowest are closed first. What a
// client sends faster than its handlers work is left to TCP, and after a while the client is closed; so is one that joins
// and leaves faster than they work. Each has its reason. A handler that panics costs its own client the connection and is
// logged.
//
// Arguments stay JSON: they arrive as json.RawMessage, byte for byte, and a json.RawMessage is sent as it is.
//
// # Cost
//
// A connected WebSocket client has one goroutine, which waits for bytes on the smallest stack there is; a second runs while
// its handlers have work, and a third while the kernel does not take what is sent to it. There is no buffer between
// messages. At 10,000 clients, each in a namespace, the server's resident memory is 9.6 to 11.1 kB a connection,
// by when the garbage collector last ran, on linux/amd64 with Go 1.26 and the default GOGC (the reference server on
// Node.js 20: 17.3 to 18.0 kB). 4 kB of that are live heap, of which the kept request is the largest part, and 2 kB stack.
// An echo with an acknowledgement costs 55 to 105 µs of CPU at 1,000 a second, by the machine: nearly all of
// it is the kernel's. Package bench measures it.
//
// These are the figures of WebSockets on plain sockets, with TLS ended by a proxy in front. Where Go ends it, or while a
// client polls, a connection costs more: package engineio says what it holds then.
package socketio
