package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

func upper(line []byte) []byte {
	reply := append([]byte{}, line...)
	for i, b := range reply {
		if 'a' <= b && b <= 'z' {
			reply[i] = b - 'a' + 'A'
		}
	}
	return reply
}

func ask(conn net.Conn, line []byte) bool {
	wanted := upper(line)
	buffer := make([]byte, 65536)
	for tries := 0; tries < 3; tries++ {
		deadline := time.Now().Add(time.Second)
		conn.Write(line)
		conn.SetReadDeadline(deadline)
		for {
			n, err := conn.Read(buffer)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err == nil && bytes.Equal(buffer[:n], wanted) {
				fmt.Println(string(wanted))
				return true
			}
		}
	}
	return false
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client HOST PORT")
		os.Exit(2)
	}
	conn, err := net.Dial("udp4", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	keyboard := bufio.NewReader(os.Stdin)
	for {
		line, err := keyboard.ReadString('\n')
		if err == io.EOF && line == "" {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "quit" {
			return
		}
		if !ask(conn, []byte(line)) {
			fmt.Fprintln(os.Stderr, "no answer")
		}
	}
}
