package decode

import "testing"

// BenchmarkDecode reads cells of each kind: bits, bits in sections, and text
// that is nearly JSON.
func BenchmarkDecode(b *testing.B) {
	var tcf, gpp []string
	for _, v := range vectors[tcfVector](b, "tcf.jsonl", 40) {
		tcf = append(tcf, v.String)
	}
	for _, v := range vectors[gppVector](b, "gpp.jsonl", 10) {
		gpp = append(gpp, v.String)
	}
	for _, c := range []struct {
		decoder string
		cells   []string
	}{
		{"tcf", tcf},
		{"gpp", gpp},
		{"usp", []string{"1YNN", "1YYN"}},
		{"cookiebot", []string{`{stamp:'ab+c/d==',necessary:true,preferences:false,statistics:false,marketing:true,method:'explicit',ver:1,utc:1752117024919,region:'ee'}`}},
		{"cookieyes", []string{"consentid:QWJjZGVmZ2hpamtsbW5vcA==,consent:yes,action:yes,necessary:yes,functional:no,analytics:yes,performance:no,advertisement:no"}},
		{"klaro", []string{`{"matomo":true,"google-analytics":false,"intercom \u00e9":true}`, `klaro=%7B%22matomo%22%3Atrue%2C%22google-analytics%22%3Afalse%7D`}},
	} {
		b.Run(c.decoder, func(b *testing.B) {
			decode, ok := Lookup(c.decoder)
			if !ok {
				b.Fatal("no such decoder")
			}
			size, decided := 0, 0
			texts := make([][]byte, len(c.cells))
			for i, text := range c.cells {
				texts[i] = []byte(text)
				size += len(text)
			}
			var cell Cell
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, text := range texts {
					if decode(text, &cell) == nil && len(cell.Elements) > 0 {
						decided++
					}
				}
			}
			if decided == 0 {
				b.Fatal("no cell was read")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(texts)), "ns/cell")
		})
	}
}
