package sipua

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// TestWhatRedisHoldsIsJudgedByItsClock: a node whose clock is a minute off shows its phones and trunks to the others for as long
// as a node whose clock is right, and sees theirs.
func TestWhatRedisHoldsIsJudgedByItsClock(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"the node is behind": time.Minute, "the node is ahead": -time.Minute,
		"they agree": 0} {
		t.Run(name, func(t *testing.T) {
			server := miniredis.RunT(t)
			client := redis.NewClient(&redis.Options{Addr: server.Addr()})
			defer client.Close()
			began := time.Now()
			redisIs := func(at time.Time) { server.SetTime(at.Add(ahead)) }
			redisIs(began)

			here := newLocations("test", "n1", client, slog.New(slog.DiscardHandler))
			there := newLocations("test", "n2", client, slog.New(slog.DiscardHandler))
			phone := Binding{Extension: "3444", Node: "n1", Contact: "sip:3444@192.0.2.1", Since: began, Expires: began.Add(time.Hour)}
			if err := here.store(t.Context(), "3444", []Binding{phone}); err != nil {
				t.Fatal(err)
			}
			var kept []Binding
			if err := json.Unmarshal([]byte(server.HGet(here.key("3444"), "n1")), &kept); err != nil {
				t.Fatal(err)
			}
			if off := kept[0].Expires.Sub(phone.Expires.Add(ahead)); off.Abs() > 20*time.Second {
				t.Errorf("Redis holds an end that is %s off by its clock", off)
			}
			network := &Network{opts: Options{Installation: "test", Node: "n1", Redis: client},
				trunks: []*trunk{newTrunk(Trunk{Name: "t", Host: "h"})}}
			if err := network.tellTrunks(t.Context()); err != nil {
				t.Fatal(err)
			}
			count := func() (phones, trunks int) {
				t.Helper()
				one, err := there.elsewhere(t.Context(), "3444")
				if err != nil {
					t.Fatal(err)
				}
				all, err := there.everywhere(t.Context())
				if err != nil || len(all) != len(one) {
					t.Errorf("%d phones of the extension, %d of all: %v", len(one), len(all), err)
				}
				told, err := Trunks(t.Context(), client, "test")
				if err != nil {
					t.Fatal(err)
				}
				return len(one), len(told)
			}
			if phones, trunks := count(); phones != 1 || trunks != 1 {
				t.Errorf("%d phones and %d trunks are seen, want one of each", phones, trunks)
			}
			redisIs(began.Add(30*time.Minute + staleShare))
			if phones, trunks := count(); phones != 1 || trunks != 0 {
				t.Errorf("half an hour later %d phones and %d trunks are seen, want one phone, and no word of a node that is silent", phones,
					trunks)
			}
			redisIs(began.Add(time.Hour + time.Minute))
			if phones, _ := count(); phones != 0 {
				t.Errorf("%d phones are seen that have not registered anew", phones)
			}
		})
	}
}
