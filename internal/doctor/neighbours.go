package doctor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// What this file looks at is elsewhere: SQL, Redis, phone networks, the CRM.

func lookAtDatabase(ctx context.Context, d *Doctor) {
	if file, ok := strings.CutPrefix(d.cfg.Database.URL.Reveal(), "sqlite:"); ok {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			d.say(warning, "run: ringmaster migrate; serve does it too", "SQLite file %s is not there yet", file)
			return
		}
	} else if !d.lookAtPostgres(ctx) {
		return
	}
	s, err := node.OpenStore(ctx, d.cfg, d.log)
	if err != nil {
		d.say(failed, "see that the database answers", "%v", err)
		return
	}
	defer s.Disconnect()
	have, need, err := s.Version(ctx)
	if err != nil {
		d.say(failed, "see that the user may read and create tables", "%v", err)
		return
	}
	found, mend := node.TablesState(have, need)
	switch {
	case have > need:
		d.say(failed, mend, "%s", found)
	case have < need:
		d.say(warning, mend+"; serve does it too", "%s", found)
	default:
		d.well("%s, tables of version %d", s.Engine(), have)
	}
}

// lookAtPostgres looks at the server itself; false: there is none to look at.
func (d *Doctor) lookAtPostgres(ctx context.Context) bool {
	config, err := pgx.ParseConfig(d.cfg.Database.URL.Reveal())
	if err != nil {
		d.say(failed, "mend database.url", "the URL cannot be read as one of PostgreSQL") // err would quote it
		return false
	}
	server := fmt.Sprintf("PostgreSQL at %s:%d", config.Host, config.Port)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		d.say(failed, "start it, open the way to it, or mend database.url", "%s: %s", server, reason(err))
		return false
	}
	defer conn.Close(ctx)
	var version int
	var commit, recovery string
	var now time.Time
	asked := time.Now()
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('synchronous_commit'),
		pg_is_in_recovery()::text, clock_timestamp()`).Scan(&version, &commit, &recovery, &now)
	if err != nil {
		d.say(failed, "see what the server's log says", "%s: %s", server, reason(err))
		return false
	}
	switch {
	case version < 150000:
		d.say(failed, "run PostgreSQL 15 or newer", "%s is version %d", server, version/10000)
	case recovery == "true":
		d.say(failed, "name the primary in database.url", "%s is a standby: nothing can be written", server)
	case commit == "off":
		d.say(failed, "set synchronous_commit to on: a lost commit may be a call made twice", "%s: synchronous_commit is off", server)
	default:
		d.well("%s, version %d", server, version/10000)
	}
	d.skew("sql", server, now, asked, time.Since(asked))
	return true
}

// reason is what a driver says of a failed connection, without the settings it repeats.
func reason(err error) string {
	text := err.Error()
	if _, last, ok := strings.Cut(text, "failed to connect to "); ok {
		if _, why, ok := strings.Cut(last, ": "); ok {
			text = why
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

func lookAtRedis(ctx context.Context, d *Doctor) {
	if d.cfg.EmbeddedRedis() {
		d.say(warning, "set redis.url for production: several nodes, and queues that survive a restart", "embedded, inside this process")
		return
	}
	conn, err := redisconn.New(node.RedisConfig(d.cfg))
	if err != nil {
		d.say(failed, "mend the redis section", "%v", err)
		return
	}
	node.NewLogger(d.cfg.Log, d.log) // what go-redis says goes to the log
	client := conn.Client()
	defer client.Close()
	server := "Redis at " + strings.Join(conn.Addrs(), ", ")
	asked := time.Now()
	now, err := client.Time(ctx).Result()
	if err != nil {
		d.say(failed, "start it, open the way to it, or mend the redis section", "%s: %v", server, err)
		return
	}
	took := time.Since(asked)
	info, err := client.Info(ctx).Result()
	if err != nil {
		d.say(warning, "look by hand that maxmemory-policy is noeviction and AOF is on", "%s: INFO: %v", server, err)
	} else {
		d.judgeRedis(server, parseInfo(info))
	}
	d.skew("redis", server, now, asked, took)
	if of, err := d.installation(ctx); err == nil {
		d.well("%s: keys and task queues are named by %s", server, of)
	} else {
		d.say(skipped, "mend the database first", "what this installation is called on Redis is not known")
	}
	if cluster, ok := client.(*redis.ClusterClient); ok {
		state, err := cluster.ClusterInfo(ctx).Result()
		if err == nil && !strings.Contains(state, "cluster_state:ok") {
			d.say(failed, "redis-cli --cluster check", "%s: the cluster does not cover all slots", server)
		}
	}
}

func (d *Doctor) judgeRedis(server string, info map[string]string) {
	version := info["redis_version"]
	major, minor, _ := strings.Cut(version, ".")
	minor, _, _ = strings.Cut(minor, ".")
	bigger, _ := strconv.Atoi(major)
	smaller, _ := strconv.Atoi(minor)
	if bigger < 6 || bigger == 6 && smaller < 2 {
		d.say(failed, "run Redis 6.2 or newer", "%s is version %s", server, version)
	} else {
		d.well("%s, version %s", server, version)
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		d.say(failed, "CONFIG SET maxmemory-policy noeviction, and in redis.conf: an evicted key is a lost task", "%s: maxmemory-policy is %s", server, policy)
	}
	if info["aof_enabled"] == "0" {
		d.say(warning, "appendonly yes: else a restart forgets who is logged in, and every wait begins anew", "%s: no AOF", server)
	}
	if info["role"] == "slave" {
		d.say(failed, "name the master, or Sentinels with redis.master", "%s is a replica: nothing can be written", server)
	}
}

// parseInfo reads the reply of INFO.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok {
			info[key] = strings.TrimSpace(value)
		}
	}
	return info
}

func lookAtTelephony(ctx context.Context, d *Doctor) {
	if !d.cfg.Has("dialer") {
		d.say(skipped, "", "this node has not the role dialer")
		return
	}
	found := len(d.findings)
	if profile := d.cfg.Telephony.Simulated.Profile; profile != "" {
		d.say(warning, "drop telephony.simulated in production: it reports calls that nobody made", "simulated network, profile %s", profile)
	}
	if d.cfg.Telephony.SIP.Listen != "" {
		d.lookAtTrunks(ctx)
	}
	if d.cfg.Telephony.Mediatel.URL != "" {
		d.lookAtMediatel(ctx)
	}
	if len(d.findings) == found {
		d.say(failed, node.HowToCall+"; or leave the role dialer out of roles", "no phone network: pages, API and imports work, but nobody is called")
	}
}

// lookAtTrunks asks each trunk for a sign of life, from a port of the doctor's own: the node may be running.
func (d *Doctor) lookAtTrunks(ctx context.Context) {
	options, err := node.SIPOptions(d.cfg)
	if err != nil {
		d.say(failed, "mend telephony.sip", "%v", err)
		return
	}
	for _, trunk := range options.Trunks {
		if trunk.Check < 0 {
			d.say(skipped, "", "trunk %s at %s is not asked: no_options", trunk.Name, trunk.Host)
			continue
		}
		took, err := sipua.Ping(ctx, trunk, options.Advertise, options.Advertise6)
		if err != nil {
			d.say(failed, "see that the carrier is up, knows this address, and that no firewall is between", "trunk %s at %s: %v", trunk.Name, trunk.Host, err)
			continue
		}
		d.well("trunk %s at %s answers OPTIONS in %v", trunk.Name, trunk.Host, took.Round(time.Millisecond))
	}
	d.lookAtNodesTrunks(ctx)
}

// lookAtNodesTrunks tells how the trunks stand at the nodes that run: what their calls have shown is more than OPTIONS can.
func (d *Doctor) lookAtNodesTrunks(ctx context.Context) {
	if d.cfg.EmbeddedRedis() {
		return // it is the node's own
	}
	conn, err := redisconn.New(node.RedisConfig(d.cfg))
	if err != nil {
		return // the look at Redis says so
	}
	client := conn.Client()
	defer client.Close()
	of, err := d.installation(ctx)
	if err != nil {
		return // the look at Redis says so
	}
	trunks, err := sipua.Trunks(ctx, client, of)
	if err != nil {
		return
	}
	for _, t := range trunks {
		switch {
		case t.Up:
			d.well("trunk %s is up at node %s: %d calls now, %d of %d answered in the last hour", t.Name, t.Node, t.Calls, t.Figures.Answered, t.Figures.Calls)
		case t.Until.IsZero():
			d.say(failed, trunkMend, "trunk %s is %s at node %s: it %s", t.Name, t.State, t.Node, t.Cause)
		default:
			d.say(failed, trunkMend, "trunk %s is %s at node %s until %s: it %s", t.Name, t.State, t.Node, t.Until.Local().Format(time.RFC3339), t.Cause)
		}
	}
}

const trunkMend = "see what the carrier says; calls go on by themselves once it takes them (docs/telephony.md, \"Trunks that fail\")"

// installation is what everything in Redis is named by. The database knows it.
func (d *Doctor) installation(ctx context.Context) (of installation.Name, err error) {
	err = errors.New("no database with this program's tables")
	told := len(d.findings)
	d.withTables(ctx, func(s *store.Store) { of, err = node.Installation(ctx, d.cfg, s) })
	d.findings = d.findings[:told] // the look at the database says what is the matter with it
	return of, err
}

// withTables runs what needs the record; without one it is skipped.
func (d *Doctor) withTables(ctx context.Context, do func(*store.Store)) {
	if file, ok := strings.CutPrefix(d.cfg.Database.URL.Reveal(), "sqlite:"); ok {
		if _, err := os.Stat(file); err != nil { // to ask would be to make it
			d.say(skipped, "mend the database first", "no database yet")
			return
		}
	}
	s, err := node.OpenStore(ctx, d.cfg, d.log)
	if err != nil {
		d.say(skipped, "mend the database first", "the database does not answer")
		return
	}
	defer s.Disconnect()
	if have, need, err := s.Version(ctx); err != nil || have != need {
		d.say(skipped, "mend the database first", "the database has not this version's tables")
		return
	}
	do(s)
}

// lookAtZones: an unknown time zone is a contact who is never called, or called at night.
func lookAtZones(ctx context.Context, d *Doctor) {
	d.withTables(ctx, func(s *store.Store) {
		running, err := s.Dialing.Running(ctx)
		if err != nil {
			d.say(failed, "see the database", "%v", err)
			return
		}
		bad := 0
		for _, c := range running {
			if _, err := time.LoadLocation(c.TimeZone); err != nil {
				bad++
				d.say(failed, "give the campaign an IANA name, such as Europe/Kyiv", "campaign %q: time zone %q is not known", c.Name, c.TimeZone)
			}
			if _, known := campaigns.ProfileByName(c.Profile); !known {
				bad++
				d.say(failed, "give the campaign a profile that this version has", "campaign %q: profile %q is not known", c.Name, c.Profile)
			}
		}
		if bad == 0 {
			d.well("time zones and profiles of %d running campaigns are known", len(running))
		}
	})
}

func lookAtWebhooks(ctx context.Context, d *Doctor) {
	allow, err := webhook.ParseAllowList(d.cfg.Webhook.Allow)
	if err != nil {
		d.say(failed, "mend webhook.allow", "%v", err)
		return
	}
	d.withTables(ctx, func(s *store.Store) {
		endpoints, err := s.Webhooks.Endpoints(ctx)
		if err != nil {
			d.say(failed, "see the database", "%v", err)
			return
		}
		if len(endpoints) == 0 {
			d.say(warning, "POST /api/v1/webhooks", "no endpoint: the CRM is told nothing")
		}
		key, err := node.WebhookSealerThere(d.cfg)
		if err != nil {
			d.say(failed, "see that the data folder can be read", "%v", err)
			return
		}
		if closed := webhook.Closed(endpoints, key); len(closed) > 0 {
			d.say(failed, node.KeyMend(d.cfg), "webhook.key does not open the headers and certificates of endpoint %s", node.JoinIDs(closed))
		}
		for _, e := range endpoints {
			d.lookAtEndpoint(ctx, e, allow)
		}
	})
}

func (d *Doctor) lookAtEndpoint(ctx context.Context, e webhook.Endpoint, allow webhook.AllowList) {
	who := fmt.Sprintf("endpoint %d", e.ID)
	u, err := webhook.ParseURL(e.URL, allow)
	if err != nil {
		d.say(failed, "change the endpoint's URL, or add its host to webhook.allow", "%s: %v", who, err)
		return
	}
	who += ", " + u.Host
	if e.Disabled {
		d.say(warning, "mend the CRM's side, then enable it: PATCH /api/v1/webhooks/"+strconv.FormatInt(e.ID, 10), "%s is disabled: %s", who, e.Reason)
		return
	}
	addresses, err := addressesOf(ctx, u)
	if err != nil {
		d.say(failed, "see that the name is in DNS, as this machine asks it", "%s: %v", who, err)
		return
	}
	for _, a := range addresses {
		if err := allow.Permits(u.Hostname(), a); err != nil {
			d.say(failed, "add the host or its network to webhook.allow, if it is the CRM's", "%s: %v", who, err)
			return
		}
	}
	if !e.FailingAt.IsZero() {
		d.say(warning, "GET /api/v1/webhooks/"+strconv.FormatInt(e.ID, 10)+"/deliveries shows its replies", "%s has failed since %s", who, e.FailingAt.Format(time.RFC3339))
		return
	}
	d.well("%s resolves to %d permitted addresses", who, len(addresses))
}

func addressesOf(ctx context.Context, u *url.URL) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return []netip.Addr{a}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
}
