package redisconn

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/time/rate"
)

// AsynqLog lets Asynq speak to our log: while Redis is away a few lines each ten seconds, of the many that it would say.
func AsynqLog(log *slog.Logger) asynq.Logger {
	return asynqLog{log.With(slog.String("from", "asynq")), &rate.Sometimes{First: 3, Interval: 10 * time.Second}}
}

type asynqLog struct {
	log       *slog.Logger
	sometimes *rate.Sometimes
}

func (l asynqLog) Debug(args ...any) { l.log.Debug("asynq", slog.String("says", fmt.Sprint(args...))) }
func (l asynqLog) Info(args ...any)  { l.log.Info("asynq", slog.String("says", fmt.Sprint(args...))) }
func (l asynqLog) Warn(args ...any) {
	l.sometimes.Do(func() { l.log.Warn("asynq", slog.String("says", fmt.Sprint(args...))) })
}
func (l asynqLog) Error(args ...any) {
	l.sometimes.Do(func() { l.log.Error("asynq", slog.String("says", fmt.Sprint(args...))) })
}

// Fatal does not end the process: that is for its owner to decide.
func (l asynqLog) Fatal(args ...any) { l.log.Error("asynq", slog.String("says", fmt.Sprint(args...))) }
