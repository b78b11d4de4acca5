package workload

import "testing"

func TestScannedWhole(t *testing.T) {
	o, err := scannedWhole(`{"bytes":8,"lines":3,"sources":{"pread":{"bytes":2},"uring":{"bytes":6}},"errors":[]}`, 8)
	if err != nil || o.Answer != 3 || o.Figures[figureRinged] != 0.75 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range []string{
		`{"bytes":7,"lines":3,"sources":{"pread":{"bytes":7}}}`,
		`{"bytes":8,"errors":[{"path":"x","error":"y"}]}`,
		`nonsense`,
	} {
		if _, err := scannedWhole(bad, 8); err == nil {
			t.Errorf("no error: %s", bad)
		}
	}
}
