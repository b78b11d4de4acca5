package main

import "bytes"

// A matcher counts the occurrences of a fixed text and the lines that hold
// one. Occurrences do not overlap and are found from the left, so that the
// counts are those of grep -aoF | wc -l and of grep -acF.
//
// Bytes come in pieces, cut anywhere. Nothing of a piece is kept: what is
// carried over a cut is the length of the longest beginning of the text that
// the bytes so far end in, and the first bytes of the next piece go on from
// there as in the algorithm of Knuth, Morris and Pratt.
type matcher struct {
	text []byte // not empty, without a newline
	fall []int  // fall[i]: the longest beginning of text that text[1:i] ends in

	matches, lines int64
	begun          int  // bytes of text that the bytes so far end in, < len(text)
	inLine         bool // the line that the bytes so far end in is counted
}

// newMatcher returns a matcher that has seen nothing.
func newMatcher(text string) *matcher {
	m := &matcher{text: []byte(text), fall: make([]int, len(text)+1)}
	k := 0
	for i := 1; i < len(text); i++ {
		k = m.step(k, text[i])
		m.fall[i+1] = k
	}
	return m
}

// reset makes m one that has seen nothing.
func (m *matcher) reset() { m.matches, m.lines, m.begun, m.inLine = 0, 0, 0, false }

// step returns how many bytes of the text are matched after b, when k of them,
// k < len(text), were before it.
func (m *matcher) step(k int, b byte) int {
	for k > 0 && m.text[k] != b {
		k = m.fall[k]
	}
	if m.text[k] == b {
		k++
	}
	return k
}

// add counts in p, which follows the bytes so far.
func (m *matcher) add(p []byte) {
	pos, decided := m.finishBegun(p)
	if !decided {
		return
	}
	for {
		if m.inLine { // only occurrences count until the line ends
			end := bytes.IndexByte(p[pos:], '\n')
			if end < 0 {
				pos += m.countOpen(p[pos:])
				break
			}
			m.matches += int64(bytes.Count(p[pos:pos+end], m.text))
			m.inLine = false
			pos += end + 1
		}
		i := bytes.Index(p[pos:], m.text)
		if i < 0 {
			break
		}
		m.found()
		pos += i + len(m.text)
	}
	for _, b := range p[max(pos, len(p)-len(m.text)+1):] {
		m.begun = m.step(m.begun, b)
	}
}

// finishBegun decides the occurrence that may have begun before p. It returns
// where in p to go on from and true, or false if all of p could not decide.
// No newline lies before that place: a text has none.
func (m *matcher) finishBegun(p []byte) (pos int, decided bool) {
	if m.begun == 0 {
		return 0, true
	}
	for i, b := range p {
		m.begun = m.step(m.begun, b)
		switch {
		case m.begun == len(m.text):
			m.begun = 0
			m.found()
			return i + 1, true
		case m.begun == 0:
			return i, true
		case m.begun <= i+1: // what is begun now is all in p
			pos := i + 1 - m.begun
			m.begun = 0
			return pos, true
		}
	}
	return 0, false
}

// countOpen counts the occurrences in p, the rest of a line that is counted,
// and returns where the last of them ends.
func (m *matcher) countOpen(p []byte) (end int) {
	for {
		i := bytes.Index(p[end:], m.text)
		if i < 0 {
			return end
		}
		m.matches++
		end += i + len(m.text)
	}
}

// found counts one occurrence and, if it is the first of it, the line.
func (m *matcher) found() {
	m.matches++
	if !m.inLine {
		m.inLine = true
		m.lines++
	}
}
