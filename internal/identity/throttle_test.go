package identity

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPausesGrowAndEnd(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	th := newThrottle(accountPatience, func() time.Time { return now })
	var pauses []time.Duration
	for range 18 {
		wait, _ := th.take("k")
		pauses = append(pauses, wait)
		if wait > 0 {
			// Hammering during the pause does not prolong it.
			if again, first := th.take("k"); again != wait || first {
				t.Fatalf("take during a pause = %v, %v, want %v and not the first", again, first, wait)
			}
			now = now.Add(wait)
			if again, _ := th.take("k"); again != 0 {
				t.Fatalf("after the pause there is one of %v", again)
			}
		}
	}
	want := []time.Duration{0, 0, 0, 0, 0}
	for s := time.Second; len(want) < 18; s = min(2*s, accountPatience.longest) {
		want = append(want, s)
	}
	if diff := cmp.Diff(want, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	if wait, first := th.take("k"); wait != accountPatience.longest || !first {
		t.Errorf("the next attempt waits %v (first %v), want the longest pause", wait, first)
	}
	if wait, _ := th.take("other"); wait != 0 {
		t.Errorf("somebody else waits %v", wait)
	}
	now = now.Add(accountPatience.longest + accountPatience.forget + 1)
	for i := range 5 {
		if wait, _ := th.take("k"); wait != 0 {
			t.Errorf("after a quiet time attempt %d waits %v", i, wait)
		}
	}
}

func TestSuccessForgetsFailures(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	th := newThrottle(accountPatience, func() time.Time { return now })
	for round := range 3 {
		for i := range 5 {
			if wait, _ := th.take("k"); wait != 0 {
				t.Fatalf("round %d attempt %d waits %v", round, i, wait)
			}
		}
		th.succeed("k")
	}
	for range 100 {
		if wait, _ := th.take("k"); wait != 0 {
			t.Fatal("attempts that were given back count")
		}
		th.giveBack("k", 1)
	}
	th.giveBack("never seen", 1)
	th.succeed("never seen")
}

func TestAttemptsMadeTogetherAreCountedTogether(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	th := newThrottle(accountPatience, func() time.Time { return now })
	var through, told atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if wait, first := th.take("k"); wait == 0 {
				through.Add(1)
			} else if first {
				told.Add(1)
			}
		})
	}
	wg.Wait()
	if through.Load() != 5 || told.Load() != 1 {
		t.Errorf("%d attempts went through and %d were told, want 5 and 1", through.Load(), told.Load())
	}
}

func TestWhatAThrottleRemembersIsBounded(t *testing.T) {
	th := newThrottle(accountPatience, time.Now)
	for i := range throttleKeys + 1000 {
		th.take(fmt.Sprint(i))
	}
	if n := len(th.byKey); n != throttleKeys || th.recent.Len() != n {
		t.Errorf("%d keys, %d in order, want %d", n, th.recent.Len(), throttleKeys)
	}
	if th.byKey["0"] != nil || th.byKey[fmt.Sprint(throttleKeys+999)] == nil {
		t.Error("it forgot the most recent and not the oldest")
	}
}

func TestWhereAnAttemptComesFrom(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::1": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "": "", "@": "@",
	} {
		if got := network(in); got != want {
			t.Errorf("network(%q) = %q, want %q", in, got, want)
		}
	}
}
