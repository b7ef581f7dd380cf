// TCP sum client.
//
// Usage: ./client HOST PORT
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

const sumBytes = 8

// frame has the numbers of a line, all in network byte order.
func frame(line string) ([]byte, error) {
	words := strings.Fields(line)
	frame := binary.BigEndian.AppendUint32(nil, uint32(4*len(words)))
	for _, word := range words {
		number, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return nil, err
		}
		frame = binary.BigEndian.AppendUint32(frame, uint32(number))
	}
	return frame, nil
}

func readSum(replies io.Reader) (int64, error) {
	var length uint32
	if err := binary.Read(replies, binary.BigEndian, &length); err != nil {
		return 0, err
	}
	if length != sumBytes {
		return 0, fmt.Errorf("a reply's length is %d and not %d", length, sumBytes)
	}
	var sum int64
	err := binary.Read(replies, binary.BigEndian, &sum)
	return sum, err
}

// exchange sends one line's numbers and shows their sum.
func exchange(line string, server io.Writer, replies io.Reader) error {
	request, err := frame(line)
	if err != nil {
		fmt.Fprintln(os.Stderr, "not sent:", err)
		return nil
	}
	if _, err := server.Write(request); err != nil {
		return err
	}
	sum, err := readSum(replies)
	if err == nil {
		fmt.Println(sum)
	}
	return err
}

func converse(host, port string) error {
	server, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	defer server.Close()
	keyboard, replies := bufio.NewReader(os.Stdin), bufio.NewReader(server)
	for {
		line, err := keyboard.ReadString('\n')
		if err != nil && line == "" {
			return nil
		}
		if err := exchange(line, server, replies); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return errors.New("the server has closed the connection")
			}
			return err
		}
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client HOST PORT")
		os.Exit(2)
	}
	if err := converse(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}
