package pool

// A bufferList is a list of Buffers, linked through themselves: each is in one
// list at most. Guarded by Pool.mu.
type bufferList struct{ first, last *Buffer }

func (l *bufferList) pushFirst(b *Buffer) {
	b.next, b.prev = l.first, nil
	if l.first != nil {
		l.first.prev = b
	} else {
		l.last = b
	}
	l.first = b
}

func (l *bufferList) pushLast(b *Buffer) {
	b.next, b.prev = nil, l.last
	if l.last != nil {
		l.last.next = b
	} else {
		l.first = b
	}
	l.last = b
}

func (l *bufferList) remove(b *Buffer) {
	if b.prev != nil {
		b.prev.next = b.next
	} else {
		l.first = b.next
	}
	if b.next != nil {
		b.next.prev = b.prev
	} else {
		l.last = b.prev
	}
	b.next, b.prev = nil, nil
}
