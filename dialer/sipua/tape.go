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
func (c *call) startRecording(now time.Time) {
	if c.n.opts.Recordings == nil || c.recorder != nil {
		return
	}
	r, err := c.n.opts.Recordings.Start(c.order.AttemptID.String(), now, c.recordingFailed)
	if err != nil {
		c.recordingFailed(err)
		return
	}
	c.recorder = r
	c.bridge.Tap(r.Write)
}

func (c *call) recordingFailed(err error) {
	c.n.opts.Metrics.RecordingMissing()
	c.n.log.Error("a call is not recorded", "attempt", c.order.AttemptID, "error", err)
}

// finishRecording closes the file at the call's end and reports what was kept. It runs after the call's end was told: nobody
// waits for a disk.
func (c *call) finishRecording(ended time.Time) {
	c.bridge.Tap(nil)
	if c.n.opts.Recordings == nil || !c.joined {
		return
	}
	rec := Recording{Agent: c.stats[media.Agent], Customer: c.stats[media.Customer],
		Err: errors.New("sipua: the recording could not be begun")}
	if c.recorder != nil {
		rec.Recording, rec.Err = c.recorder.Finish(ended)
		c.recorder = nil // its memory goes before the call's
	}
	if done := c.n.opts.RecordingDone; done != nil {
		ctx, stop := context.WithTimeout(context.Background(), reportTimeout)
		defer stop()
		done(ctx, c.order.AttemptID.String(), rec)
	}
}
