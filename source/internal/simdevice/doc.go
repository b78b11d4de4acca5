// Package simdevice simulates a device, a page cache and a consumer, to see what
// an access.Ahead makes of them. Its time is its own: a run takes no time to
// speak of and is the same every time.
//
// A [Device] needs some latency for a request, during which it serves others,
// and then moves the bytes of one request after the other:
//
//	request 1  ├── latency ──┤▓▓▓▓▓▓│
//	request 2   ├── latency ──┤     │▓▓▓▓▓▓│
//	request 3    ├── latency ──┤           │▓▓▓▓▓▓│
//
// So q requests of n bytes that are always in flight give q×n bytes in each
// latency + n/bandwidth, and never more than the bandwidth. [Limit] is that
// number for as many requests as are allowed, or the consumer's speed if that is
// lower.
//
// [Run] is a Reader of package source without the memory: it hands out windows,
// keeps others in flight in their order, as many as the Ahead says, and waits
// for the first of them.
package simdevice
