package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, "client:", err)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client HOST PORT")
		os.Exit(2)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		fail(err)
	}
	defer conn.Close()
	keyboard := bufio.NewReader(os.Stdin)
	server := bufio.NewReader(conn)
	for {
		line, err := keyboard.ReadString('\n')
		if err == io.EOF && line == "" {
			return
		} else if err != nil && err != io.EOF {
			fail(err)
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "quit" {
			return
		}
		if _, err := conn.Write([]byte(line + "\n")); err != nil {
			fail(err)
		}
		reply, err := server.ReadString('\n')
		if err != nil {
			fail(err)
		}
		fmt.Print(reply)
	}
}
