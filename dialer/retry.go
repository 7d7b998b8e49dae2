package dialer

import (
	"time"

	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	sqlLimit   = 5 * time.Second // for one transaction; afterwards its outcome counts as unknown
	redisLimit = 2 * time.Second // for one change of an agent's state
)

// again is how a neighbour that is away is asked again.
var again = retry.Pause{First: 50 * time.Millisecond, Last: 5 * time.Second}
