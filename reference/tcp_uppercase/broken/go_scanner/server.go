package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
)

func serve(conn net.Conn) {
	defer conn.Close()
	scanner := bufio.NewScanner(conn)
	for scanner.Scan() {
		line := append(scanner.Bytes(), '\n')
		for i, b := range line {
			if 'a' <= b && b <= 'z' {
				line[i] = b - 'a' + 'A'
			}
		}
		if _, err := conn.Write(line); err != nil {
			return
		}
	}
}

func main() {
	port := 0
	if len(os.Args) == 2 {
		port, _ = strconv.Atoi(os.Args[1])
	}
	if port < 1 || port > 65535 {
		fmt.Fprintln(os.Stderr, "usage: server PORT")
		os.Exit(2)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Println("accept:", err)
			continue
		}
		go serve(conn)
	}
}
