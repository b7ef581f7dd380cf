// A right server in Go.  Arguments: goroutines; the port.  See bench/stillness.py.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

func compute(milliseconds int) {
	end := time.Now().Add(time.Duration(milliseconds) * time.Millisecond)
	for time.Now().Before(end) {
	}
}

func answer(line string) string {
	var kind, word string
	var amount int
	fmt.Sscan(line, &kind, &amount, &word)
	switch kind {
	case "compute":
		compute(amount)
	case "hand":
		done := make(chan bool)
		go func() {
			compute(amount)
			done <- true
		}()
		<-done
	case "sleep":
		time.Sleep(time.Duration(amount) * time.Millisecond)
	case "file":
		os.ReadFile("/proc/self/exe")
	case "collect":
		runtime.GC()
	case "ignore":
		return ""
	case "stuck":
		<-make(chan bool)
	}
	return strings.ToUpper(word) + "\n"
}

func serve(client net.Conn) {
	defer client.Close()
	lines := bufio.NewScanner(client)
	for lines.Scan() {
		fmt.Fprint(client, answer(lines.Text()))
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		panic(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(client)
	}
}
