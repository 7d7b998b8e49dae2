package pacing

// lost are the ringing calls that have lost their agent: agents who went away in a bunch leave more calls ringing than could be
// served. The oldest of those that have rung for the legal minimum are given up, until an answer would find somebody more likely
// than not.
func (p *Pacer) lost(s *Snapshot, n *Numbers) []int64 {
	p.giveUp = p.giveUp[:0]
	if s.MinRing <= 0 || len(s.Calls) == 0 || s.Calls[0].Age < s.MinRing {
		return nil
	}
	surplus := p.surplus
	for i := range s.Calls {
		if s.Calls[i].Age < s.MinRing || surplus >= 0 && n.Idle+n.Busy > 0 {
			break
		}
		surplus += p.answers.soon(s.Calls[i].Age.Seconds(), p.ringTime[quantiles/2])
		p.giveUp = append(p.giveUp, s.Calls[i].ID)
	}
	if len(p.giveUp) == 0 {
		return nil
	}
	return p.giveUp
}
