package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/installation"
)

// TooManyError says that a name at an address, or an address, has tried too often.
type TooManyError struct{ RetryAfter time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("access: too many tries: again after %v", e.RetryAfter.Round(time.Second))
}

// bound is a handful of wrong tries at once, and then one each so often.
type bound struct {
	burst float64
	every time.Duration
}

// Bounds of wrong tries.
var (
	pairBound    = bound{5, 30 * time.Second}  // of one name at one address
	addressBound = bound{200, time.Second}     // an office, or a proxy, may be one address
	nameBound    = bound{20, 10 * time.Second} // of one name at all addresses: beyond it tries are slowed down, never refused
)

const (
	maxDelay   = 2 * time.Second
	knownFor   = 90 * 24 * time.Hour // how long an address is remembered from which a name has succeeded
	maxKnown   = 50                  // addresses of one name
	triesTime  = time.Second         // for Redis to say
	triesRetry = 10 * time.Second    // between complaints that it does not
)

// Tries bound how fast passwords can be guessed: by name and address, by address, and by name over all addresses. The last of
// them only slows down, and not an address from which the name has succeeded before: a stranger cannot keep the owner of a name
// out. They are counted in Redis for all nodes; while it is away, in this process, by the first two alone.
type Tries struct {
	of  installation.Name     // by which keys are named
	rdb redis.UniversalClient // nil: this process alone
	log *slog.Logger
	now func() time.Time

	mu         sync.Mutex
	pairs      buckets
	addresses  buckets
	complained time.Time
}

// NewTries makes them; rdb (and with it the installation's name), log and now may be nil.
func NewTries(rdb redis.UniversalClient, of installation.Name, log *slog.Logger, now func() time.Time) *Tries {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.Default()
	}
	return &Tries{rdb: rdb, of: of, log: log, now: now, pairs: buckets{map[string]*bucket{}, pairBound},
		addresses: buckets{map[string]*bucket{}, addressBound}}
}

// allowScript takes a try.
//
//	KEYS[1]   the name's tries at this address; KEYS[2] the address's; KEYS[3] the account's at all addresses; each a hash of tries
//	KEYS[4]   addresses from which the account has succeeded, by the moment
//	ARGV[1]   now, in ms; ARGV[2] this address, as KEYS[4] has it
//	ARGV[3…]  burst and ms a try, of KEYS[1], KEYS[2], KEYS[3]
//	result    ms until there is a try, 0 for now; how far the account is beyond its tries, in thousandths of one
var allowScript = redis.NewScript(`
local now = tonumber(ARGV[1])
local left = {}
for i = 1, 3 do
	local burst, every = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
	local was = redis.call('HMGET', KEYS[i], 'tries', 'at')
	local tries, at = tonumber(was[1] or burst), tonumber(was[2] or now)
	left[i] = math.min(burst, tries + math.max(0, now - at) / every)
end
local known = redis.call('ZSCORE', KEYS[4], ARGV[2])
for i = 1, 2 do
	if left[i] < 1 and not (i == 2 and known) then
		return {math.ceil((1 - left[i]) * tonumber(ARGV[2 + 2 * i])), 0}
	end
end
local beyond = 0
for i = 1, 3 do
	left[i] = left[i] - 1
	if i > 1 then
		left[i] = math.max(left[i], -tonumber(ARGV[1 + 2 * i]))
	end
	redis.call('HSET', KEYS[i], 'tries', tostring(left[i]), 'at', now)
	redis.call('PEXPIRE', KEYS[i], 2 * tonumber(ARGV[1 + 2 * i]) * tonumber(ARGV[2 + 2 * i]))
end
if left[3] < 0 and not known then
	beyond = math.ceil(-left[3] * 1000)
end
return {0, beyond}
`)

// succeededScript gives the try back, forgets the wrong ones of the name here, and remembers the address.
//
//	KEYS as above; ARGV[1] now, in ms; ARGV[2] this address; ARGV[3] bursts of KEYS[2]; ARGV[4] of KEYS[3]
//	ARGV[5]  ms an address is known; ARGV[6] addresses at most
var succeededScript = redis.NewScript(`
redis.call('DEL', KEYS[1])
for i = 2, 3 do
	local tries = tonumber(redis.call('HGET', KEYS[i], 'tries') or '')
	if tries then
		redis.call('HSET', KEYS[i], 'tries', tostring(math.min(tries + 1, tonumber(ARGV[1 + i]))))
	end
end
redis.call('ZADD', KEYS[4], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', tonumber(ARGV[1]) - tonumber(ARGV[5]))
redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1 - tonumber(ARGV[6]))
redis.call('PEXPIRE', KEYS[4], ARGV[5])
return 1
`)

// Allow takes a try of a name at an address, or refuses it by a *TooManyError; account is whose password is tried, often the same
// as the name. It may wait for two seconds first.
func (t *Tries) Allow(ctx context.Context, name, address, account string) error {
	address = network(address)
	if t.rdb == nil {
		return t.allowHere(name, address)
	}
	asking, cancel := context.WithTimeout(ctx, triesTime)
	defer cancel()
	args := []any{t.now().UnixMilli(), digest(address)}
	for _, b := range []bound{pairBound, addressBound, nameBound} {
		args = append(args, b.burst, b.every.Milliseconds())
	}
	found, err := allowScript.Run(asking, t.rdb, t.keysOf(name, address, account), args...).Int64Slice()
	if err != nil || len(found) != 2 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.complain(ctx, err)
		return t.allowHere(name, address)
	}
	if found[0] > 0 {
		return &TooManyError{RetryAfter: time.Duration(found[0]) * time.Millisecond}
	}
	delay := min(maxDelay, time.Duration(found[1])*maxDelay/5000) // five tries too many: as slow as it gets
	if delay == 0 {
		return nil
	}
	wait := time.NewTimer(delay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Succeeded gives back what the try took, and forgets the wrong ones of the name here: its owner is at this address.
func (t *Tries) Succeeded(ctx context.Context, name, address, account string) {
	address = network(address)
	t.succeededHere(name, address)
	if t.rdb == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), triesTime)
	defer cancel()
	if err := succeededScript.Run(ctx, t.rdb, t.keysOf(name, address, account), t.now().UnixMilli(), digest(address),
		addressBound.burst,
		nameBound.burst, knownFor.Milliseconds(), maxKnown).Err(); err != nil {
		t.complain(ctx, err)
	}
}

func (t *Tries) complain(ctx context.Context, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.now(); now.Sub(t.complained) >= triesRetry {
		t.complained = now
		t.log.WarnContext(ctx, "wrong passwords are counted by this node alone: Redis does not answer", slog.Any("error", err))
	}
}

// keysOf are under one hash tag, as all live keys are. Names and addresses are strangers' texts of any length.
func (t *Tries) keysOf(name, address, account string) []string {
	return []string{t.of.Key("tries:pair:" + digest(name, address)), t.of.Key("tries:address:" + digest(address)),
		t.of.Key("tries:name:" + digest(account)), t.of.Key("tries:known:" + digest(account))}
}

func digest(texts ...string) string {
	h := sha256.New()
	for _, s := range texts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// network is what counts as one address: of IPv6 the /64, which one line has to itself.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
