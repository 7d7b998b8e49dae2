package pacing

// lost are the calls that have lost their agent: agents who went away in a bunch leave more calls than could be served. Those
// whose customer is not dialed yet are given up first, the latest first, and then the oldest of those that have rung for the
// legal minimum, until an answer would find somebody more likely than not.
func (p *Pacer) lost(s *Snapshot, n *Numbers) []int64 {
	p.giveUp = p.giveUp[:0]
	surplus := p.surplus
	enough := func() bool { return surplus >= 0 && n.Idle+n.Busy > 0 }
	give := func(c *Call) {
		surplus += p.answers.soon(c.Age.Seconds(), p.ringTime[quantiles/2], p.answers.of(c.Odds))
		p.giveUp = append(p.giveUp, c.ID)
	}
	for i := len(s.Calls) - 1; i >= 0 && !enough(); i-- {
		if s.Calls[i].Undialed {
			give(&s.Calls[i])
		}
	}
	for i := 0; i < len(s.Calls) && s.MinRing > 0 && s.Calls[i].Age >= s.MinRing && !enough(); i++ {
		if !s.Calls[i].Undialed {
			give(&s.Calls[i])
		}
	}
	if len(p.giveUp) == 0 {
		return nil
	}
	return p.giveUp
}
