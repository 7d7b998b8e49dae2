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
			d.say(warning, mendMigrate, isNoFile(file))
			return
		}
	} else if !d.lookAtPostgres(ctx) {
		return
	}
	s, err := node.OpenStore(ctx, d.cfg, d.log)
	if err != nil {
		d.say(failed, mendAnswers, isDatabaseBad(d.cause(err)))
		return
	}
	defer s.Disconnect()
	have, need, err := s.Version(ctx)
	if err != nil {
		d.say(failed, mendRights, isDatabaseBad(d.cause(err)))
		return
	}
	found, mend := node.TablesState(have, need)
	switch {
	case have > need:
		d.say(failed, mend, found)
	case have < need:
		d.say(warning, mendTablesOr(mend), found)
	default:
		d.well(isTables(s.Engine(), strconv.FormatInt(int64(have), 10)))
	}
}

// lookAtPostgres looks at the server itself; false: there is none to look at.
func (d *Doctor) lookAtPostgres(ctx context.Context) bool {
	config, err := pgx.ParseConfig(d.cfg.Database.URL.Reveal())
	if err != nil {
		d.say(failed, mendSection("database.url"), isURLBad) // err would quote it
		return false
	}
	server := fmt.Sprintf("PostgreSQL at %s:%d", config.Host, config.Port)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		d.say(failed, mendStart("database.url"), isServerBad(server, d.cause(err)))
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
		d.say(failed, mendServerLog, isServerBad(server, d.cause(err)))
		return false
	}
	switch {
	case version < 150000:
		d.say(failed, mendPostgres, isVersionOld(server, strconv.Itoa(version/10000)))
	case recovery == "true":
		d.say(failed, mendPrimary, isStandby(server))
	case commit == "off":
		d.say(failed, mendCommit, isCommitOff(server))
	default:
		d.well(isVersion(server, strconv.Itoa(version/10000)))
	}
	d.skew("sql", server, now, asked, time.Since(asked))
	return true
}

func lookAtRedis(ctx context.Context, d *Doctor) {
	if d.cfg.EmbeddedRedis() {
		d.say(warning, mendRedisURL, isEmbedded)
		return
	}
	conn, err := redisconn.New(node.RedisConfig(d.cfg))
	if err != nil {
		d.say(failed, mendSection("redis"), isRedisBad(d.cause(err)))
		return
	}
	node.NewLogger(d.cfg.Log, d.log) // what go-redis says goes to the log
	client := conn.Client()
	defer client.Close()
	server := "Redis at " + strings.Join(conn.Addrs(), ", ")
	asked := time.Now()
	now, err := client.Time(ctx).Result()
	if err != nil {
		d.say(failed, mendStart("redis"), isServerBad(server, d.cause(err)))
		return
	}
	took := time.Since(asked)
	info, err := client.Info(ctx).Result()
	if err != nil {
		d.say(warning, mendByHand, isServerBad(server, d.cause(err)))
	} else {
		d.checkRedis(server, parseInfo(info))
	}
	d.skew("redis", server, now, asked, took)
	if of, err := d.installation(ctx); err == nil {
		d.well(isNamedBy(server, string(of)))
	} else {
		d.say(skipped, mendFirst, isNameUnknown)
	}
	if cluster, ok := client.(*redis.ClusterClient); ok {
		state, err := cluster.ClusterInfo(ctx).Result()
		if err == nil && !strings.Contains(state, "cluster_state:ok") {
			d.say(failed, mendCluster, isSlotsBad(server))
		}
	}
}

func (d *Doctor) checkRedis(server string, info map[string]string) {
	version := info["redis_version"]
	major, minor, _ := strings.Cut(version, ".")
	minor, _, _ = strings.Cut(minor, ".")
	bigger, _ := strconv.Atoi(major)
	smaller, _ := strconv.Atoi(minor)
	if bigger < 6 || bigger == 6 && smaller < 2 {
		d.say(failed, mendRedis, isVersionOld(server, version))
	} else {
		d.well(isVersion(server, version))
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		d.say(failed, mendPolicy, isPolicy(server, policy))
	}
	if info["aof_enabled"] == "0" {
		d.say(warning, mendAOF, isNoAOF(server))
	}
	if info["role"] == "slave" {
		d.say(failed, mendMaster, isReplica(server))
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
		d.say(skipped, mendNone, isNoDialer)
		return
	}
	found := len(d.findings)
	if profile := d.cfg.Telephony.Simulated.Profile; profile != "" {
		d.say(warning, mendSimulated, isSimulated(profile))
	}
	if d.cfg.Telephony.SIP.Listen != "" {
		d.lookAtTrunks(ctx)
	}
	if d.cfg.Telephony.Mediatel.URL != "" {
		d.lookAtMediatel(ctx)
	}
	if len(d.findings) == found {
		d.say(failed, mendNoNetwork, isNoNetwork)
	}
}

// lookAtTrunks asks each trunk for a sign of life, from a port of the doctor's own: the node may be running.
func (d *Doctor) lookAtTrunks(ctx context.Context) {
	options, err := node.SIPOptions(d.cfg)
	if err != nil {
		d.say(failed, mendSection("telephony.sip"), isSIPBad(d.cause(err)))
		return
	}
	for _, trunk := range options.Trunks {
		if trunk.Check < 0 {
			d.say(skipped, mendNone, isUnasked(trunk.Name, trunk.Host))
			continue
		}
		took, err := sipua.Ping(ctx, trunk, options.Advertise, options.Advertise6)
		if err != nil {
			d.say(failed, mendCarrier, isTrunkSilent(trunk.Name, trunk.Host, d.cause(err)))
			continue
		}
		d.well(isTrunk(trunk.Name, trunk.Host, took.Round(time.Millisecond)))
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
			d.well(isTrunkUp(t.Name, t.Node, t.Calls, fmt.Sprintf("%d/%d", t.Figures.Answered, t.Figures.Calls)))
		case t.Until.IsZero():
			d.say(failed, mendTrunk, isTrunkDown(t.Name, string(t.State), t.Node, node.WhyTrunk(t)))
		default:
			d.say(failed, mendTrunk, isTrunkUntil(t.Name, t.Node, node.WhyTrunk(t), t.Until.Local()))
		}
	}
}

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
			d.say(skipped, mendFirst, isNoDatabase)
			return
		}
	}
	s, err := node.OpenStore(ctx, d.cfg, d.log)
	if err != nil {
		d.say(skipped, mendFirst, isSilent)
		return
	}
	defer s.Disconnect()
	if have, need, err := s.Version(ctx); err != nil || have != need {
		d.say(skipped, mendFirst, isOldTables)
		return
	}
	do(s)
}

// lookAtZones: an unknown time zone is a contact who is never called, or called at night.
func lookAtZones(ctx context.Context, d *Doctor) {
	d.withTables(ctx, func(s *store.Store) {
		running, err := s.Dialing.Running(ctx)
		if err != nil {
			d.say(failed, mendDatabase, isDatabaseBad(d.cause(err)))
			return
		}
		bad := 0
		for _, c := range running {
			if _, err := time.LoadLocation(c.TimeZone); err != nil {
				bad++
				d.say(failed, mendZone, isZoneBad(c.Name, c.TimeZone))
			}
			if _, known := campaigns.ProfileByName(c.Profile); !known {
				bad++
				d.say(failed, mendProfile, isProfileBad(c.Name, c.Profile))
			}
		}
		if bad == 0 {
			d.well(isZones(len(running)))
		}
	})
}

func lookAtWebhooks(ctx context.Context, d *Doctor) {
	allow, err := webhook.ParseAllowList(d.cfg.Webhook.Allow)
	if err != nil {
		d.say(failed, mendSection("webhook.allow"), isAllowBad(d.cause(err)))
		return
	}
	d.withTables(ctx, func(s *store.Store) {
		endpoints, err := s.Webhooks.Endpoints(ctx)
		if err != nil {
			d.say(failed, mendDatabase, isDatabaseBad(d.cause(err)))
			return
		}
		if len(endpoints) == 0 {
			d.say(warning, mendPost, isNoEndpoint)
		}
		key, err := node.WebhookSealerThere(d.cfg)
		if err != nil {
			d.say(failed, mendData, isKeyBad(d.cause(err)))
			return
		}
		if closed := webhook.Closed(endpoints, key); len(closed) > 0 {
			d.say(failed, mendKey(node.KeyMend(d.cfg)), isSealed(node.JoinIDs(closed)))
		}
		for _, e := range endpoints {
			d.lookAtEndpoint(ctx, e, allow)
		}
	})
}

func (d *Doctor) lookAtEndpoint(ctx context.Context, e webhook.Endpoint, allow webhook.AllowList) {
	who := strconv.FormatInt(e.ID, 10)
	u, err := webhook.ParseURL(e.URL, allow)
	if err != nil {
		d.say(failed, mendURL, isEndpointBad(who, d.cause(err)))
		return
	}
	who += ", " + u.Host
	if e.Disabled {
		d.say(warning, mendEnable("PATCH /api/v1/webhooks/"+strconv.FormatInt(e.ID, 10)), isDisabled(who, e.Reason))
		return
	}
	addresses, err := addressesOf(ctx, u)
	if err != nil {
		d.say(failed, mendDNS, isEndpointBad(who, d.cause(err)))
		return
	}
	for _, a := range addresses {
		if err := allow.Permits(u.Hostname(), a); err != nil {
			d.say(failed, mendAllow, isEndpointBad(who, d.cause(err)))
			return
		}
	}
	if !e.FailingAt.IsZero() {
		d.say(warning, mendDeliveries("GET /api/v1/webhooks/"+strconv.FormatInt(e.ID, 10)+"/deliveries"),
			isFailingSince(who, e.FailingAt))
		return
	}
	d.well(isResolved(len(addresses), who))
}

func addressesOf(ctx context.Context, u *url.URL) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return []netip.Addr{a}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
}
