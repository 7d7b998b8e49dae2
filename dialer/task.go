package dialer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/reason"
)

// A contact task means: dial now. It is a wake-up, never the record; a late, lost or repeated one does no harm.
const taskType = "dial"

const taskLimit = 10 * time.Second // for a handler, which only claims and starts

// task is the payload of a contact task.
type task struct {
	Attempt    AttemptID `json:"attempt"`
	Campaign   int64     `json:"campaign"`
	Queue      string    `json:"queue"` // the campaign's line
	Origin     Origin    `json:"origin"`
	Agent      int64     `json:"agent"`             // who ordered the call, or was free for it; zero: the customer is called first
	Network    string    `json:"network,omitempty"` // by which the customer is called first
	PreparedAt time.Time `json:"prepared_at"`
}

// first says that the customer is called before there is an agent.
func (t task) first() bool { return t.Agent == 0 && t.Network != "" && t.Origin != ByHand }

// TaskQueue is the Asynq queue of the contact tasks for a node's agents.
func TaskQueue(of installation.Name, node string) string { return of.Queue("dial:" + node) }

// encode makes the Asynq task and its options. Nothing is retried: whoever could not be claimed is planned anew. Finished
// tasks are not kept: one that Redis was asked for twice finds its attempt taken.
func (t task) encode(queue string) (*asynq.Task, []asynq.Option) {
	payload, err := json.Marshal(t)
	if err != nil {
		panic(err) // numbers, strings and a time
	}
	return asynq.NewTask(taskType, payload), []asynq.Option{
		asynq.Queue(queue), asynq.TaskID(t.Attempt.String()), asynq.MaxRetry(0),
		asynq.Timeout(taskLimit),
	}
}

// decodeTask reads a payload; one that cannot be read will not become readable by trying again.
func decodeTask(payload []byte) (t task, err error) {
	if err := json.Unmarshal(payload, &t); err != nil {
		return t, fmt.Errorf("dialer: contact task: %w: %w", err, asynq.SkipRetry)
	}
	if t.Attempt <= 0 || t.PreparedAt.IsZero() {
		return t, fmt.Errorf("dialer: contact task names no attempt: %w", asynq.SkipRetry)
	}
	return t, nil
}

func taskFor(a Attempt, queue string) task {
	return task{Attempt: a.ID, Campaign: a.CampaignID, Queue: queue, Origin: a.Origin, Agent: a.AgentID, PreparedAt: a.PreparedAt}
}

// tasks sends contact tasks, and gives up the attempts of those that are not.
type tasks struct {
	of     installation.Name
	client *asynq.Client
	store  Store
	shown  Previews
	now    func() time.Time
	log    *slog.Logger
}

// send sends a contact task to the node whose agents shall have the call.
func (q *tasks) send(ctx context.Context, node string, t task) error {
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	body, options := t.encode(TaskQueue(q.of, node))
	_, err := q.client.EnqueueContext(ctx, body, options...)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil // the client asked twice, and was heard the first time
	}
	return err
}

// cancel gives up an attempt that nobody has claimed; failing that, it is cancelled as stale.
func (q *tasks) cancel(ctx context.Context, id AttemptID, why reason.Reason) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), sqlLimit)
	defer done()
	if _, err := q.store.Cancel(ctx, id, why, q.now()); err != nil {
		q.log.Warn("attempt not cancelled", slog.String("attempt", id.String()), slog.String("reason", why.String()),
			slog.Any("error", err))
	}
}
