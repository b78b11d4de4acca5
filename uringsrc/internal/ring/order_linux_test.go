package ring

import (
	"bytes"
	"syscall"
	"testing"
)

// chained returns the results of a chain.
func chained(t *testing.T, r *Ring, es ...Entry) map[uint64]Completion {
	t.Helper()
	if !r.PushChain(es) {
		t.Fatal("PushChain = false")
	}
	return byUserData(t, results(t, r, len(es)))
}

func TestAChainGoesOnAfterSuccess(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Chains: true})
	f := file(t, make([]byte, 4096))
	fd, want, got := int(f.Fd()), pattern(4096), make([]byte, 4096)
	cs := chained(t, r, Write(fd, want, 0, 0, 1).With(Link), Fsync(fd, FsyncData, 2).With(Link), Read(fd, got, 0, 0, 3))
	wantN(t, cs[1], 4096)
	wantN(t, cs[2], 0)
	wantN(t, cs[3], 4096)
	if !bytes.Equal(got, want) {
		t.Error("the read came before the write")
	}
}

func TestAFailedWriteIsNeverSynced(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Chains: true})
	_, w := pipe(t) // a pipe has no fsync, and -1 no write
	cs := chained(t, r, Write(-1, make([]byte, 10), 0, 0, 1).With(Link), Fsync(w, 0, 2))
	wantErr(t, cs[1], syscall.EBADF)
	wantErr(t, cs[2], syscall.ECANCELED)
}

func TestAShortReadBreaksAChain(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Chains: true})
	fd, p, q := int(file(t, pattern(100)).Fd()), make([]byte, 200), make([]byte, 10)
	cs := chained(t, r, Read(fd, p, 0, 0, 1).With(Link), Read(fd, q, 0, 0, 2).With(Link), Nop(3))
	wantN(t, cs[1], 100)
	wantErr(t, cs[2], syscall.ECANCELED)
	wantErr(t, cs[3], syscall.ECANCELED)

	cs = chained(t, r, Read(fd, p, 0, 0, 1).With(HardLink), Read(fd, q, 0, 0, 2).With(HardLink), Nop(3))
	wantN(t, cs[1], 100)
	wantN(t, cs[2], 10)
	wantN(t, cs[3], 0)
}

// TestARefusedEntryBreaksHardLinksToo: what fails before it begins is another
// thing than what fails.
func TestARefusedEntryBreaksHardLinksToo(t *testing.T) {
	r := needRing(t, Config{Entries: 8, Chains: true})
	cs := chained(t, r, Entry{op: 250, userData: 1}.With(HardLink), Nop(2).With(HardLink), Nop(3))
	wantErr(t, cs[1], syscall.EINVAL)
	wantErr(t, cs[2], syscall.ECANCELED)
	wantErr(t, cs[3], syscall.ECANCELED)
	cs = chained(t, r, Read(-1, make([]byte, 1), 0, 0, 1).With(HardLink), Nop(2))
	wantErr(t, cs[1], syscall.EBADF)
	t.Logf("behind a hard link from EBADF: %v", cs[2].Err() == nil)
}

// TestEntriesWithoutAnOrderPassEachOther is what the flags are for: the one that
// waits is overtaken.
func TestEntriesWithoutAnOrderPassEachOther(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	in, out := pipe(t)
	p := make([]byte, 1)
	push(t, r, Read(in, p, -1, 0, 1), Nop(2))
	if c := results(t, r, 1)[0]; c.UserData != 2 {
		t.Fatalf("entry %d first", c.UserData)
	}
	write(t, out, "x")
	wantN(t, results(t, r, 1)[0], 1)
}

func TestADrainWaitsForAllBeforeAndHoldsAllBehind(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	in, out := pipe(t)
	p := make([]byte, 1)
	push(t, r, Read(in, p, -1, 0, 1), Nop(2).With(Drain), Nop(3))
	if n, err := r.Enter(1, 2_000_000); n != 3 || err != nil || r.Ready() != 0 {
		t.Fatalf("Enter = %d, %v; %d ready behind a read that waits", n, err, r.Ready())
	}
	push(t, r, Nop(4)) // a later submission is held, too
	if n, err := r.Enter(0, 0); n != 1 || err != nil || r.Ready() != 0 {
		t.Fatalf("Enter = %d, %v; %d ready", n, err, r.Ready())
	}
	write(t, out, "x")
	for i, c := range results(t, r, 4) {
		// Those behind are in no order among themselves.
		if c.Err() != nil || i < 2 && c.UserData != uint64(i+1) {
			t.Errorf("completion %d: entry %d, %v", i, c.UserData, c.Err())
		}
	}
}

func TestNoCompletionForSuccess(t *testing.T) {
	r := needRing(t, Config{Entries: 8})
	if !r.Features().SkipSuccess {
		t.Skip("this kernel completes everything")
	}
	push(t, r, Nop(1).With(SkipSuccess), Read(-1, make([]byte, 1), 0, 0, 2).With(SkipSuccess), Nop(3))
	cs := byUserData(t, results(t, r, 2))
	wantErr(t, cs[2], syscall.EBADF)
	wantN(t, cs[3], 0)
}
