package node

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// Installation is what everything in Redis is named by: redis.prefix, or the name that was made with the database's tables.
func Installation(ctx context.Context, cfg *config.Config, s *store.Store) (installation.Name, error) {
	made, err := s.Installation(ctx)
	if err != nil {
		return "", err
	}
	return installation.Parse(cmp.Or(cfg.Redis.Prefix, made))
}

func (n *Node) nameInstallation(ctx context.Context) (err error) {
	n.installation, err = Installation(ctx, n.Config, n.Store)
	return err
}

// webhookQueue is the task queue of wake-ups for deliveries.
func (n *Node) webhookQueue() string { return n.installation.Queue(webhook.TaskQueue) }

// queues is Asynq's page of the task queues: of ours alone, whoever else may have some on this Redis.
func (n *Node) queues() http.Handler {
	return asynqmon.New(asynqmon.Options{RootPath: "/queues", RedisConnOpt: ourQueues{n.conn, n.installation.Queue("")},
		ReadOnly: true})
}

// ourQueues makes clients of a Redis on which there seem to be no other task queues than those with the prefix.
type ourQueues struct {
	redisconn.Conn
	prefix string
}

// MakeRedisClient implements [asynq.RedisConnOpt].
func (q ourQueues) MakeRedisClient() any {
	client := q.Client()
	client.AddHook(q)
	return client
}

// DialHook implements [redis.Hook].
func (ourQueues) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements [redis.Hook].
func (ourQueues) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements [redis.Hook]. Asynq asks for the set of queues, and whether it has the one that is asked for.
func (q ourQueues) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		args := cmd.Args()
		if len(args) < 2 || args[1] != "asynq:queues" {
			return err
		}
		switch cmd := cmd.(type) {
		case *redis.StringSliceCmd:
			var ours []string
			for _, name := range cmd.Val() {
				if strings.HasPrefix(name, q.prefix) {
					ours = append(ours, name)
				}
			}
			cmd.SetVal(ours)
		case *redis.BoolCmd:
			name, _ := args[len(args)-1].(string)
			cmd.SetVal(cmd.Val() && strings.HasPrefix(name, q.prefix))
		}
		return err
	}
}
