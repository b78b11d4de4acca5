#include "textflag.h"

// func newlinesAVX2(p *[indexBytes]byte, masks *newlineMasks)
//
// 16 times: two comparisons of 32 bytes with '\n', their results as 64 bits.
// It reads indexBytes bytes and writes 16 masks, whatever they hold.
TEXT ·newlinesAVX2(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), SI
	MOVQ masks+8(FP), DI
	MOVQ $0x0a, AX
	MOVQ AX, X0
	VPBROADCASTB X0, Y0
	MOVQ $16, CX

block:
	VPCMPEQB (SI), Y0, Y1
	VPCMPEQB 32(SI), Y0, Y2
	VPMOVMSKB Y1, AX
	VPMOVMSKB Y2, BX
	SHLQ $32, BX
	ORQ BX, AX
	MOVQ AX, (DI)
	ADDQ $64, SI
	ADDQ $8, DI
	DECQ CX
	JNZ block

	VZEROUPPER
	RET
