package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

func main() {
	port := 0
	if len(os.Args) == 2 {
		port, _ = strconv.Atoi(os.Args[1])
	}
	if port < 1 || port > 65535 {
		fmt.Fprintln(os.Stderr, "usage: server PORT")
		os.Exit(2)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: port})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	buffer := make([]byte, 65536)
	for {
		n, client, err := conn.ReadFromUDP(buffer)
		if err != nil {
			fmt.Println(err)
			continue
		}
		for i, b := range buffer[:n] {
			if 'a' <= b && b <= 'z' {
				buffer[i] = b - 'a' + 'A'
			}
		}
		conn.WriteToUDP(buffer[:n], client)
	}
}
