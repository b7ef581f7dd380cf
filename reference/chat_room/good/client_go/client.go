// Chat room client: one goroutine reads the keyboard and sends, the other receives and shows.
//
// Usage: ./client HOST PORT
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"unicode"
)

// talk sends each line that is typed; when there are no more, it closes said, and then our side of the connection: the
// server may have closed its own before we get any further.
func talk(server *net.TCPConn, said chan<- struct{}) {
	keyboard := bufio.NewReader(os.Stdin)
	for {
		line, err := keyboard.ReadString('\n')
		if line != "" {
			// An error is met by who receives, too.
			io.WriteString(server, strings.TrimSuffix(line, "\n")+"\n")
		}
		if err != nil {
			close(said)
			server.CloseWrite()
			return
		}
	}
}

// harmless is what a stranger has written, with something else for what would control the terminal.
func harmless(line string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsControl(char) && char != '\t' {
			return '?'
		}
		return char
	}, line)
}

// listen shows each line that comes, until the server closes the connection.
func listen(server io.Reader) error {
	lines := bufio.NewReader(server)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			fmt.Println(harmless(strings.TrimSuffix(line, "\n")))
		}
		if err != nil {
			return err
		}
	}
}

func chat(host, port string) error {
	connection, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	defer connection.Close()
	said := make(chan struct{})
	go talk(connection.(*net.TCPConn), said)
	if err := listen(connection); !errors.Is(err, io.EOF) {
		return err
	}
	select {
	case <-said:
		return nil
	default:
		return errors.New("the server has closed the connection")
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client HOST PORT")
		os.Exit(2)
	}
	if err := chat(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}
