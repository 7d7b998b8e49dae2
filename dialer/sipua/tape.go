package sipua

import (
	"context"
	"errors"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
)

// reportTimeout bounds RecordingDone.
const reportTimeout = 30 * time.Second

// startRecording begins the call's file. A call whose file cannot be begun goes on, and raises an alarm.
func (c *call) startRecording() {
	if c.n.opts.Recordings == nil || c.recorder != nil {
		return
	}
	r, err := c.n.opts.Recordings.Start(c.order.AttemptID.String(), time.Now(), c.recordingFailed)
	if err != nil {
		c.recordingFailed(err)
		return
	}
	c.recorder = r
	var converted [2][1500]byte // each side is written by one goroutine
	c.bridge.Tap(func(side media.Side, p *media.Packet) {
		if p.Event {
			return
		}
		sound := p.Payload
		if p.Codec != media.ULaw {
			sound = converted[side][:len(p.Payload)]
			media.Convert(sound, p.Payload, p.Codec, media.ULaw)
		}
		r.Write(int(side), p.SSRC, p.TS, p.Arrived, sound)
	})
}

func (c *call) recordingFailed(err error) {
	c.n.opts.Metrics.RecordingMissing()
	c.n.log.Error("a call is not recorded", "attempt", c.order.AttemptID, "error", err)
}

// finishRecording closes the file and reports what was kept. It runs after the call's end was told: nobody waits for a disk.
func (c *call) finishRecording() {
	c.bridge.Tap(nil)
	if c.n.opts.Recordings == nil || !c.joined {
		return
	}
	rec := Recording{Agent: c.stats[media.Agent], Customer: c.stats[media.Customer],
		Err: errors.New("sipua: the recording could not be begun")}
	if c.recorder != nil {
		rec.Recording, rec.Err = c.recorder.Finish()
		c.recorder = nil // its memory goes before the call's
	}
	if done := c.n.opts.RecordingDone; done != nil {
		ctx, stop := context.WithTimeout(context.Background(), reportTimeout)
		defer stop()
		done(ctx, c.order.AttemptID.String(), rec)
	}
}
