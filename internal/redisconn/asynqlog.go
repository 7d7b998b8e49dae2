package redisconn

import (
	"fmt"
	"log/slog"

	"github.com/hibiken/asynq"
)

// AsynqLog lets Asynq speak to our log.
func AsynqLog(log *slog.Logger) asynq.Logger { return asynqLog{log.With(slog.String("from", "asynq"))} }

type asynqLog struct{ log *slog.Logger }

func (l asynqLog) Debug(args ...any) { l.log.Debug("asynq", slog.String("says", fmt.Sprint(args...))) }
func (l asynqLog) Info(args ...any)  { l.log.Info("asynq", slog.String("says", fmt.Sprint(args...))) }
func (l asynqLog) Warn(args ...any)  { l.log.Warn("asynq", slog.String("says", fmt.Sprint(args...))) }
func (l asynqLog) Error(args ...any) { l.log.Error("asynq", slog.String("says", fmt.Sprint(args...))) }

// Fatal does not end the process: that is for its owner to decide.
func (l asynqLog) Fatal(args ...any) { l.log.Error("asynq", slog.String("says", fmt.Sprint(args...))) }
