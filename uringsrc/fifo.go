package uringsrc

// A fifo is a queue of Reads, some of which are taken out in between. A Read's
// place in it is kept in the Read.
type fifo struct {
	reads      []*Read // its length is 0 or a power of two; nil where one was taken out
	head, tail uint
	n          int
}

func (q *fifo) at(place uint) **Read { return &q.reads[place%uint(len(q.reads))] }

// push appends r.
func (q *fifo) push(r *Read) {
	if q.tail-q.head == uint(len(q.reads)) {
		q.grow()
	}
	r.place = q.tail
	*q.at(r.place) = r
	q.tail++
	q.n++
}

// grow makes room for as many again as there are, and leaves the holes behind.
func (q *fifo) grow() {
	old := *q
	size := 16
	for size < 2*old.n {
		size *= 2
	}
	*q = fifo{reads: make([]*Read, size)}
	for p := old.head; p != old.tail; p++ {
		if r := *old.at(p); r != nil {
			q.push(r)
		}
	}
}

// first returns the Read at the front, nil if there is none.
func (q *fifo) first() *Read {
	for q.head != q.tail {
		if r := *q.at(q.head); r != nil {
			return r
		}
		q.head++
	}
	return nil
}

// remove takes out r.
func (q *fifo) remove(r *Read) {
	*q.at(r.place) = nil
	q.n--
}
