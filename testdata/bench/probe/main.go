// Command probe says how many processors two busy threads really get: about 2
// on an honest two-processor machine, about 1 when it is short of them. A
// two-processor figure means nothing while this is low.
package main

import (
	"fmt"
	"sync"
	"time"
)

func spin(n int) (x uint64) {
	x = 88172645463325252
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func main() {
	const n = 400_000_000
	began := time.Now()
	sum := spin(n)
	one := time.Since(began)
	began = time.Now()
	var g sync.WaitGroup
	for range 2 {
		g.Go(func() {
			if spin(n) != sum {
				panic("unequal work")
			}
		})
	}
	g.Wait()
	fmt.Printf("%.2f\n", 2*one.Seconds()/time.Since(began).Seconds())
}
