package lists

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
)

// contactsCSV is a list of about 80 bytes a line, as the one that the findings measured.
func contactsCSV(n int, number func(i int) string) []byte {
	var b bytes.Buffer
	b.WriteString("crm_id,name,phone,time_zone,balance,contract\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,Contact number %07d,%s,Europe/Kyiv,%d.50,UA-%09d\n", 10_000_000+i, i, number(i), i%100_000, i)
	}
	return b.Bytes()
}

func ukrainianNumber(i int) string { return fmt.Sprintf("+38050%07d", i) }

// spanishNumber takes the long way through libphonenumber.
func spanishNumber(i int) string { return fmt.Sprintf("+346%08d", i) }

func readAll(b *testing.B, format Format, list []byte, o Options, want int) {
	n := 0
	for _, err := range read(format, bytes.NewReader(list), o) {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	if n != want {
		b.Fatalf("%d contacts of %d", n, want)
	}
}

func BenchmarkReadCSV(b *testing.B) {
	for name, number := range map[string]func(int) string{"ukrainian": ukrainianNumber, "foreign": spanishNumber} {
		b.Run(name, func(b *testing.B) {
			const lines = 1_000_000
			list := contactsCSV(lines, number)
			b.SetBytes(int64(len(list)))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				readAll(b, CSV, list, Options{Region: "UA"}, lines)
			}
			b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "contacts/s")
			b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "cores")
		})
	}
}

func BenchmarkReadJSON(b *testing.B) {
	const lines = 100_000
	var list bytes.Buffer
	list.WriteByte('[')
	for i := range lines {
		if i > 0 {
			list.WriteByte(',')
		}
		fmt.Fprintf(&list, `{"crm_id":"%d","name":"Contact %d","phones":["%s"],"payload":{"balance":%d.50}}`, i, i, ukrainianNumber(i),
			i)
	}
	list.WriteByte(']')
	b.SetBytes(int64(list.Len()))
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, JSON, list.Bytes(), Options{}, lines)
	}
	b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "contacts/s")
}
