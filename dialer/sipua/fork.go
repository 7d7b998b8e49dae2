package sipua

import "github.com/emiago/sipgo/sip"

// maxForks bounds how many phones beyond the first may answer one INVITE before we stop to listen.
const maxForks = 16

// observe sees responses to the INVITE in the order of the wire, long after the INVITE's transaction is gone.
func (d *dialog) observe(res *sip.Response) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spoke = true
	if r := d.reinvite; r != nil && r.cseq == res.CSeq().SeqNo {
		if res.IsSuccess() && r.ack != nil {
			d.acknowledge(r.ack) // ours was lost
		}
		return
	}
	if res.IsProvisional() {
		d.provisional(res)
		return
	}
	if d.adrift && d.state == inviting {
		select {
		case d.late <- res:
		default: // it has come before
		}
		return
	}
	if !res.IsSuccess() {
		return
	}
	switch {
	case d.answer == res, d.ack == nil && d.state == inviting: // follow has it, or had it before we came here
	case d.ack != nil && toTag(res) == d.remoteTag: // our ACK was lost
		d.acknowledge(d.ack)
	default:
		d.endFork(res)
	}
}

// provisional takes a response to the INVITE that is not the last. When we have stopped to wait for that, it is what a CANCEL had
// to wait for (RFC 3261, section 9.1). The caller holds d.mu.
func (d *dialog) provisional(res *sip.Response) {
	if d.state == over {
		if invite := d.pending; invite != nil {
			d.pending = nil
			d.e.job(func() { d.sendCancel(invite) })
		}
		return
	}
	d.noteEarly(res)
	select {
	case d.early <- res:
	default: // a flood: the last ones do not matter
	}
}

// acknowledge sends the ACK of a 2xx once more. The caller holds d.mu.
func (d *dialog) acknowledge(ack *sip.Request) {
	ack, hop := ack.Clone(), d.hop
	d.e.job(func() { _ = d.e.write(ack, hop) })
}

// endFork acknowledges and hangs up an answer that came too late, or from a second phone, to the same INVITE (RFC 3261, section
// 13.2.2.4). The fork lives as long as we do: its 2xx may come again, and its phone may say BYE by itself. The caller holds d.mu.
func (d *dialog) endFork(res *sip.Response) {
	tag := toTag(res)
	fork := d.forks[tag]
	switch {
	case fork == nil && len(d.forks) == maxForks:
		return
	case fork == nil:
		fork = &dialog{e: d.e, callID: d.callID, tag: d.tag, cred: d.cred, from: d.from, to: d.to, hop: d.hop,
			cseq: res.CSeq().SeqNo, quitting: true, quit: make(chan struct{}), owner: nobody{}}
		if d.forks == nil {
			d.forks = map[string]*dialog{}
		}
		d.forks[tag] = fork
		given := d.given
		if d.ack != nil {
			given = nil // the first phone's answer counts
		}
		d.e.job(func() {
			fork.accept(&sip.Request{MessageData: res.Clone().MessageData}, res)
			given.answered()
		})
	default:
		fork.mu.Lock()
		defer fork.mu.Unlock()
		if fork.ack != nil {
			fork.acknowledge(fork.ack)
		}
	}
}

// branch is the dialog with the far end's tag: this one, or a fork of it.
func (d *dialog) branch(tag string) *dialog {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.remoteTag == tag || d.state == inviting && d.earlies[tag] != nil {
		return d
	}
	return d.forks[tag]
}
