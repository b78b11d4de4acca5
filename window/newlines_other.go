//go:build !amd64

package window

// canIndex says whether newlines is worth using here.
const canIndex = false

// newlines finds the newlines of p. It is correct and slow, and not used.
func newlines(p *[indexBytes]byte, masks *newlineMasks) {
	clear(masks[:])
	for i, b := range p {
		if b == '\n' {
			masks[i/64] |= 1 << (i % 64)
		}
	}
}
