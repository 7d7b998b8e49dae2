// Command loadserver is the prescribed Socket.IO server under the load of internal/socketio/bench: events "echo" are answered by
// an acknowledgement, POST /emit?room=NAME emits "card" to the room that a client's auth payload names, and GET /clients counts
// the clients.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/zishang520/socket.io/servers/socket/v3"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "`address` to listen on")
	flag.Parse()
	if err := serve(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "loadserver:", err)
		os.Exit(1)
	}
}

// serve says that it listens as soon as it does.
func serve(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	server := &http.Server{Handler: handler(), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

func handler() http.Handler {
	server := socket.NewServer(nil, nil)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", server.ServeHandler(socket.DefaultServerOptions()))
	mux.HandleFunc("GET /clients", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, server.Engine().ClientsCount()) })
	mux.HandleFunc("POST /emit", func(w http.ResponseWriter, r *http.Request) {
		var card any
		if err := json.NewDecoder(io.LimitReader(r.Body, 1_000_000)).Decode(&card); err != nil {
			http.Error(w, "the body is not JSON", http.StatusBadRequest)
			return
		}
		_ = server.To(socket.Room(r.URL.Query().Get("room"))).Emit("card", card) // a socket that fails is closed
		w.WriteHeader(http.StatusNoContent)
	})
	_ = server.On("connection", func(args ...any) { // fails for a nil listener alone, as below
		client := args[0].(*socket.Socket)
		if room, ok := client.Handshake().Auth["room"].(string); ok {
			client.Join(socket.Room(room))
		}
		_ = client.On("echo", func(args ...any) {
			if ack, ok := args[len(args)-1].(socket.Ack); ok {
				ack(args[:len(args)-1], nil)
			}
		})
	})
	return mux
}
