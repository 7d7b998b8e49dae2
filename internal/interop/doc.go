// Package interop is the counterpart that we did not write: github.com/zishang520/socket.io, a Socket.IO server and client in Go
// that shares no line with internal/socketio. Our Mediatel client is tested against the Mediatel simulator on that server, and
// our gateway by that client as an agent's tab. docs/decisions/socketio.md says why it carries no product.
//
// Nothing that ships imports this package; internal/arch keeps that.
package interop
