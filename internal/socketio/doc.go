// Package socketio is Socket.IO in Go: a server and a client of protocol revision 5, as spoken by Socket.IO 3.x and 4.x, on
// Engine.IO revision 4 of package engineio. The client also speaks to Socket.IO 2.x servers.
package socketio
