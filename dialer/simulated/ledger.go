package simulated

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/dialer"
)

// Ledger is an append-only file with a line for each customer's phone that rang, on the disk before the phone rings. It
// survives the death of the process, so a test can count over many lives.
type Ledger struct {
	mu   sync.Mutex
	file *os.File
}

// Ring is one line of a ledger.
type Ring struct {
	AttemptID dialer.AttemptID
	Number    string
	At        time.Time
}

// OpenLedger opens the file, or makes it.
func OpenLedger(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("simulated: ledger: %w", err)
	}
	return &Ledger{file: f}, nil
}

// Close closes the file.
func (l *Ledger) Close() error { return l.file.Close() }

// write appends a ring and waits for the disk.
func (l *Ledger) write(r Ring) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := fmt.Fprintf(l.file, "%s %s %d\n", r.AttemptID, r.Number, r.At.UnixNano()); err != nil {
		return fmt.Errorf("simulated: ledger: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("simulated: ledger: %w", err)
	}
	return nil
}

// ReadLedger reads all rings of a ledger, in the order they were written. A last line that was cut off by the writer's
// death is left out: its phone did not ring yet.
func ReadLedger(path string) ([]Ring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("simulated: ledger: %w", err)
	}
	defer f.Close()
	var rings []Ring
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return rings, nil
		}
		if err != nil {
			return nil, fmt.Errorf("simulated: ledger: %w", err)
		}
		var id, nanos int64
		var number string
		if _, err := fmt.Sscanf(line, "%d %s %d", &id, &number, &nanos); err != nil {
			return nil, fmt.Errorf("simulated: ledger: line %d: %w", len(rings)+1, err)
		}
		rings = append(rings, Ring{dialer.AttemptID(id), number, time.Unix(0, nanos)})
	}
}
