package recording

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

const (
	// Queue is the task queue of uploads.
	Queue = "recording"
	// TaskType is the type of an upload task; its payload is the calltraceid.
	TaskType = "recording:upload"
)

// NewTask is the task that moves a call's recording to the store. The file is on one machine only: in an installation of
// several, each consumes a queue of its own, named by queue.
func NewTask(trace, queue string) *asynq.Task {
	return asynq.NewTask(TaskType, []byte(trace),
		asynq.Queue(queue), asynq.TaskID(TaskType+":"+trace), asynq.MaxRetry(40), asynq.Timeout(10*time.Minute))
}

// Enqueue asks for a recording's upload. Asking twice is asking once.
func Enqueue(ctx context.Context, client *asynq.Client, trace, queue string) error {
	_, err := client.EnqueueContext(ctx, NewTask(trace, queue))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("recording: enqueue upload: %w", err)
	}
	return nil
}

// ProcessTask is the handler of upload tasks. A recording that is nowhere is not tried again.
func (l *Library) ProcessTask(ctx context.Context, task *asynq.Task) error {
	err := l.Upload(ctx, string(task.Payload()))
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	return err
}
