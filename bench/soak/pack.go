package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	attackerLife  = 2 * time.Second  // then another takes its place
	killedOneIn   = 4                // lives that end by SIGKILL, in the middle of anything
	comeBackLimit = 75 * time.Second // for an attacker's last call: longer than the kernel waits for a lease
)

// A pack is the attackers of a stage: processes, which are replaced every few
// seconds, and goroutines of this process.
type pack struct {
	plan *plan
	log  *findings

	mu     sync.Mutex
	report *report
	killed int
	lives  int
}

// run attacks until ctx ends and every attacker has come back.
func (p *pack) run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range p.plan.Attackers {
		wg.Go(func() {
			for life := 0; ctx.Err() == nil; life++ {
				p.live(ctx, i, life)
			}
		})
	}
	for i := range p.plan.Insiders {
		wg.Go(func() {
			writer := p.plan.Attackers + i + 1
			a := newAttacker(p.plan.siege(writer, p.plan.Seed+uint64(writer)))
			a.prefix = insidePrefix
			a.run(ctx)
			p.came(a.report)
		})
	}
	wg.Wait()
}

func (p *pack) came(r *report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.merge(r)
}

// live starts an attacker, ends it after a while and takes its report.
func (p *pack) live(ctx context.Context, i, life int) {
	self, err := os.Executable()
	if err != nil {
		p.log.add("attacker: %v", err)
		return
	}
	config, err := json.Marshal(p.plan.siege(i+1, p.plan.Seed+uint64(i)<<32+uint64(life)))
	if err != nil {
		p.log.add("attacker: %v", err)
		return
	}
	c := exec.Command(self, attackMarker, string(config))
	var stdout bytes.Buffer
	c.Stdout, c.Stderr = &stdout, os.Stderr
	leash, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		p.log.add("attacker: %v", err)
		pause(ctx, time.Second)
		return
	}
	p.mu.Lock()
	p.lives++
	p.mu.Unlock()
	pause(ctx, attackerLife)
	kill := ctx.Err() == nil && life%killedOneIn == 1
	if kill {
		c.Process.Kill()
	}
	leash.Close()
	late := time.AfterFunc(comeBackLimit, func() {
		p.log.add("attacker: its last call did not return for %v", comeBackLimit)
		c.Process.Kill()
	})
	err = c.Wait()
	late.Stop()
	if kill {
		p.mu.Lock()
		p.killed++
		p.mu.Unlock()
		return
	}
	r := newReport()
	if err == nil {
		err = json.Unmarshal(stdout.Bytes(), r)
	}
	if err != nil {
		p.log.add("attacker: %v", fmt.Errorf("%w: %s", err, stdout.Bytes()))
		return
	}
	p.came(r)
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
