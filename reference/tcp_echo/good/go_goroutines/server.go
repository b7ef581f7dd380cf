package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

const drained = 256 * 1024

// endOfClose gives where the line "close" ends in data, or -1; line keeps the beginning of the last line.
func endOfClose(data []byte, line *[]byte) int {
	for i, b := range data {
		if b != '\n' {
			if len(*line) < 8 {
				*line = append(*line, b)
			}
			continue
		}
		said := string(*line)
		*line = (*line)[:0]
		if said == "close" || said == "close\r" {
			return i + 1
		}
	}
	return -1
}

func serve(conn *net.TCPConn) {
	defer conn.Close()
	buffer := make([]byte, 8192)
	var line []byte
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if end := endOfClose(buffer[:n], &line); end >= 0 {
			conn.Write(buffer[:end])
			conn.CloseWrite()
			io.CopyN(io.Discard, conn, drained)
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
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
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{Port: port})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			fmt.Println("accept:", err)
			continue
		}
		go serve(conn)
	}
}
