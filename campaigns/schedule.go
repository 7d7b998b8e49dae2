package campaigns

import "time"

// Window opens at each tick of Cron and stays open for Duration: `0 9 * * 1-5` with 11h is nine to eight on working
// days. Its state is computed from the clock alone, so a process that starts in the middle of a window finds it open.
type Window struct {
	Cron     string        `json:"cron"`     // five fields, as robfig/cron/v3 ParseStandard reads them
	Duration time.Duration `json:"duration"` // 1 min to 7 days
}
