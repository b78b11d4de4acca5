package simdevice

import "time"

// Device is what is read from.
type Device struct {
	Speed
	Queue int // requests that it serves at once; 0: any number

	// From the offset TurnOff on the speed is Turned; 0: never.
	TurnOff int64
	Turned  Speed

	Cache Cache
}

// Speed is how fast a device is.
type Speed struct {
	Latency        time.Duration // from the request to its first byte
	BytesPerSecond int64
}

// Cache says what the page cache holds: of every Period bytes the first Cached.
// What is read does not get into it. The zero value holds nothing.
type Cache struct {
	Period, Cached int64
	BytesPerSecond int64 // at which it is copied out; 0: at once
}

// at returns the speed at which the bytes at off are read.
func (d *Device) at(off int64) Speed {
	if d.TurnOff > 0 && off >= d.TurnOff {
		return d.Turned
	}
	return d.Speed
}

// holds says whether the cache has all n bytes at off.
func (c *Cache) holds(off, n int64) bool {
	if c.Period <= 0 || c.Cached <= 0 {
		return false
	}
	return c.Cached >= c.Period || off%c.Period+n <= c.Cached
}

// transfer returns how long n bytes take.
func transfer(n, bytesPerSecond int64) time.Duration {
	if bytesPerSecond <= 0 {
		return 0
	}
	return time.Duration(float64(n) / float64(bytesPerSecond) * float64(time.Second))
}

// A service is a device at work.
type service struct {
	d     *Device
	moved time.Duration   // when the last byte of the last request was, or will be, moved
	ends  []time.Duration // of the requests that were served, in their order
}

// submit takes a request at the time now and returns when it will be done. One
// that finds the queue full waits for the oldest of as many as the queue holds.
func (s *service) submit(now time.Duration, off, n int64) time.Duration {
	if q := s.d.Queue; q > 0 && len(s.ends) >= q {
		now = max(now, s.ends[len(s.ends)-q])
	}
	v := s.d.at(off)
	s.moved = max(now+v.Latency, s.moved) + transfer(n, v.BytesPerSecond)
	s.ends = append(s.ends, s.moved)
	return s.moved
}
