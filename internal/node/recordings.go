package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/recording"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/store"
)

const (
	pruneEvery = time.Hour
	keptAtOnce = 4096 // recordings that may wait for SQL
)

// keepAgain is how a recording is put on record again while SQL is away.
var keepAgain = retry.Pause{First: time.Second, Last: 10 * time.Second}

// makeLibrary opens the folder of recordings, and the store they move to.
func makeLibrary(cfg config.Recording) (*recording.Library, error) {
	library, err := recording.NewLibrary(cfg.Folder)
	if err != nil || cfg.S3.Endpoint == "" {
		return library, err
	}
	client, err := minio.New(cfg.S3.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(cfg.S3.AccessKey.Reveal(), cfg.S3.SecretKey.Reveal(), ""), Secure: !cfg.S3.Insecure,
	})
	if err != nil {
		return nil, fmt.Errorf("recording.s3: %w", err)
	}
	return library.WithS3(client, cfg.S3.Bucket, cfg.S3.Prefix), nil
}

// recordings puts what the telephony has recorded on record, and moves it to the store.
type recordings struct {
	library *recording.Library
	store   *store.Store
	now     func() time.Time
	tasks   *asynq.Client
	queue   string // of uploads: the files are on this machine
	keep    time.Duration
	log     *slog.Logger
	done    chan dialer.Recording
}

func newRecordings(n *Node, library *recording.Library) *recordings {
	return &recordings{library: library, store: n.Store, now: n.Clocks.SQL, tasks: asynq.NewClientFromRedisClient(n.redis),
		queue: n.installation.Queue(recording.Queue + ":" + n.Config.Node),
		keep:  n.Config.Recording.Keep, log: n.Log, done: make(chan dialer.Recording, keptAtOnce)}
}

// ended is told by the telephony; it must not wait.
func (r *recordings) ended(_ context.Context, trace string, rec sipua.Recording) {
	kept := dialer.Recording{
		CallTraceID: trace, StartedAt: rec.Start, EndedAt: rec.End, Bytes: rec.Bytes,
		Agent: qualityOf(rec.Agent), Customer: qualityOf(rec.Customer),
	}
	if rec.Err != nil {
		kept.Problem = rec.Err.Error()
	}
	if rec.Bytes == 0 {
		return // nothing can be opened: the telephony has raised the alarm
	}
	select {
	case r.done <- kept:
	default:
		r.log.Error("recording not on record: too many wait", slog.String("calltraceid", trace))
	}
}

func qualityOf(s media.Stats) dialer.Quality {
	return dialer.Quality{Packets: s.Packets, Lost: s.Lost, Jitter: s.Jitter, RTT: s.RTT, MOS: s.MOS(), FarLost: s.FarLost,
		FarJitter: s.FarJitter}
}

// run works until ctx ends; recordings that wait for SQL then are in the folder all the same, and the link opens them.
func (r *recordings) run(ctx context.Context) {
	if err := r.recover(); err != nil {
		r.log.Error("recordings of a former run not recovered", slog.Any("error", err))
	}
	var pruning sync.WaitGroup // of many recordings it takes long, and new ones do not wait for it
	defer pruning.Wait()
	pruning.Go(func() { retry.OnBeat(ctx, pruneEvery, nil, r.prune) })
	for {
		select {
		case <-ctx.Done():
			return
		case kept := <-r.done:
			r.put(ctx, kept)
		}
	}
}

// recover finishes what a lost process was recording.
func (r *recordings) recover() error {
	traces, err := r.library.Recover()
	for _, trace := range traces {
		r.log.Info("recording of a lost call recovered", slog.String("calltraceid", trace))
	}
	return err
}

// put tries until the record has it.
func (r *recordings) put(ctx context.Context, kept dialer.Recording) {
	for range keepAgain.Tries(ctx) {
		err := r.store.Recordings.KeepRecording(ctx, kept, r.now())
		if err == nil || errors.Is(err, store.ErrNotFound) {
			r.send(ctx, kept)
			return
		}
		if ctx.Err() == nil {
			r.log.Warn("recording not on record yet", slog.String("calltraceid", kept.CallTraceID), slog.Any("error", err))
		}
	}
}

// send has a recording uploaded, where there is a place for it.
func (r *recordings) send(ctx context.Context, kept dialer.Recording) {
	if r.library.InStore() {
		if err := recording.Enqueue(ctx, r.tasks, kept.CallTraceID, r.queue); err != nil && ctx.Err() == nil {
			r.log.Warn("recording stays in the folder until the next start", slog.String("calltraceid", kept.CallTraceID),
				slog.Any("error", err))
		}
	}
}

func (r *recordings) prune(ctx context.Context) {
	if err := r.erase(ctx); err != nil && ctx.Err() == nil {
		r.log.Error("recordings not erased: it is tried again", slog.Any("error", err))
	}
	if r.keep == 0 {
		return
	}
	n, err := r.library.Prune(ctx, r.now().Add(-r.keep), func(traces []string) ([]string, error) {
		return r.store.Recordings.Forgettable(ctx, traces, r.now())
	})
	if err != nil && ctx.Err() == nil {
		r.log.Error("old recordings not removed", slog.Any("error", err))
	}
	if n > 0 {
		r.log.Info("old recordings removed", slog.Int("count", n))
	}
}

// eraseMost is how many recordings are looked at by one erase.
const eraseMost = 100_000

// erase removes recordings that nobody may keep any more, here and in the store.
func (r *recordings) erase(ctx context.Context) error {
	due, again, err := r.store.Recordings.ToErase(ctx, r.now(), eraseMost)
	if err != nil {
		return err
	}
	for _, trace := range due {
		if err := r.library.Remove(ctx, trace, true); err != nil {
			return err
		}
	}
	for _, trace := range again {
		if err := r.library.Remove(ctx, trace, false); err != nil {
			return err
		}
	}
	if len(due) == 0 {
		return nil
	}
	return r.store.Recordings.Erased(ctx, due, r.now())
}

// upload moves recordings to the store until ctx ends, those of former runs first.
func (r *recordings) upload(ctx context.Context, n *Node) error {
	if !r.library.InStore() {
		return nil
	}
	waiting, err := r.library.Waiting()
	if err != nil {
		return err
	}
	for _, trace := range waiting {
		if err := recording.Enqueue(ctx, r.tasks, trace, r.queue); err != nil {
			r.log.Warn("recording stays in the folder", slog.String("calltraceid", trace), slog.Any("error", err))
			break // Redis is away: the next start tries again
		}
	}
	waitingFor := redisconn.NewPatient(n.redis, r.queue)
	server := asynq.NewServerFromRedisClient(waitingFor, asynq.Config{
		Concurrency: 2, Queues: map[string]int{r.queue: 1}, Logger: redisconn.AsynqLog(n.Log), LogLevel: asynq.WarnLevel,
	})
	if err := server.Start(r.library); err != nil {
		return err
	}
	<-ctx.Done()
	waitingFor.Stop()
	server.Shutdown()
	return nil
}

// mayHear says whether the request may hear a call: an agent the own ones, everybody else who can log in all of them;
// nobody those of people who were erased.
func (n *Node) mayHear(r *http.Request, trace string) error {
	user, err := n.Auth.Authenticate(r)
	if err != nil {
		return err
	}
	locked, err := n.Store.Recordings.Locked(r.Context(), trace)
	if err != nil {
		return err
	}
	if locked {
		return fmt.Errorf("%w: the person was erased, and the law alone has the recording kept", access.ErrDenied)
	}
	if user.Role != access.RoleAgent {
		return nil
	}
	own, err := n.Store.Attempts.Attempts(r.Context(), dialer.AttemptFilter{CallTraceID: trace, AgentID: user.AgentID}, 0, 1)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		return fmt.Errorf("%w: not the agent's own call", access.ErrDenied)
	}
	return nil
}
