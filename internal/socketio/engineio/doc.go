// Package engineio is Engine.IO in Go: ordered messages between a browser and a server over HTTP long-polling or
// WebSocket, with heartbeats.
package engineio
