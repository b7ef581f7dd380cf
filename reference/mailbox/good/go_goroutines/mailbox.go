// A mail server in Go: a goroutine for each client, one for each port that accepts them, and a file for each mail.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
)

const domain = "mail.test"

var (
	passwords = map[string]string{}
	storing   sync.Mutex
)

// client is a connection with its buffers.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
}

// line gives the next line without its CRLF; a line may contain LF.
func (c *client) line() (string, error) {
	var line []byte
	for {
		part, err := c.reader.ReadBytes('\n')
		line = append(line, part...)
		if err != nil {
			return "", err
		}
		if bytes.HasSuffix(line, []byte("\r\n")) {
			return string(line[:len(line)-2]), nil
		}
	}
}

func (c *client) say(lines ...string) {
	c.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
}

func mails(user string) []string {
	found, _ := filepath.Glob(filepath.Join("mail", user, "*.mail"))
	sort.Strings(found)
	return found
}

func store(user string, content []byte) error {
	storing.Lock()
	defer storing.Unlock()
	next := 1
	if there := mails(user); len(there) > 0 {
		last := filepath.Base(there[len(there)-1])
		next, _ = strconv.Atoi(strings.TrimSuffix(last, ".mail"))
		next++
	}
	unfinished := filepath.Join("mail", user, "unfinished")
	if err := os.WriteFile(unfinished, content, 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, filepath.Join("mail", user, fmt.Sprintf("%08d.mail", next)))
}

// address is what stands in angle brackets behind a keyword.
func address(rest, keyword string) (string, bool) {
	if len(rest) < len(keyword) || !strings.EqualFold(rest[:len(keyword)], keyword) {
		return "", false
	}
	rest = strings.TrimLeft(rest[len(keyword):], " ")
	end := strings.IndexByte(rest, '>')
	if !strings.HasPrefix(rest, "<") || end < 0 {
		return "", false
	}
	return rest[1:end], true
}

func (c *client) message() ([]byte, error) {
	var content []byte
	for {
		line, err := c.line()
		if err != nil || line == "." {
			return content, err
		}
		content = append(content, strings.TrimPrefix(line, ".")...)
		content = append(content, "\r\n"...)
	}
}

func smtp(c *client) {
	c.say("220 " + domain)
	begun := false
	var recipients []string
	for {
		line, err := c.line()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "HELO":
			begun, recipients = false, nil
			c.say("250 " + domain)
		case "EHLO":
			begun, recipients = false, nil
			c.say("250-"+domain, "250-8BITMIME", "250 HELP")
		case "RSET":
			begun, recipients = false, nil
			c.say("250 ok")
		case "NOOP":
			c.say("250 ok")
		case "QUIT":
			c.say("221 " + domain)
			return
		case "MAIL":
			if _, ok := address(rest, "FROM:"); !ok {
				c.say("501 no address")
				continue
			}
			begun, recipients = true, nil
			c.say("250 ok")
		case "RCPT":
			whole, ok := address(rest, "TO:")
			user, host, _ := strings.Cut(whole, "@")
			if !ok {
				c.say("501 no address")
			} else if !begun {
				c.say("503 MAIL first")
			} else if _, known := passwords[user]; !known || !strings.EqualFold(host, domain) {
				c.say("550 unknown")
			} else {
				recipients = append(recipients, user)
				c.say("250 ok")
			}
		case "DATA":
			if len(recipients) == 0 {
				c.say("503 RCPT first")
				continue
			}
			c.say("354 go ahead")
			content, err := c.message()
			if err != nil {
				return
			}
			answer := "250 stored"
			for _, user := range recipients {
				if err := store(user, content); err != nil {
					answer = "451 " + err.Error()
				}
			}
			begun, recipients = false, nil
			c.say(answer)
		default:
			c.say("500 unknown command")
		}
	}
}

// session is what one user sees until QUIT.
type session struct {
	user    string
	paths   []string
	deleted map[int]bool
}

func (s *session) size(number int) int64 {
	info, err := os.Stat(s.paths[number-1])
	if err != nil {
		return 0
	}
	return info.Size()
}

func (s *session) numbers() []int {
	var left []int
	for number := range s.paths {
		if !s.deleted[number+1] {
			left = append(left, number+1)
		}
	}
	return left
}

func (s *session) has(word string) (int, bool) {
	number, err := strconv.Atoi(word)
	return number, err == nil && number > 0 && number <= len(s.paths) && !s.deleted[number]
}

func stuffed(content []byte) []string {
	lines := strings.Split(string(content), "\r\n")
	lines[len(lines)-1] = "."
	for at, line := range lines[:len(lines)-1] {
		if strings.HasPrefix(line, ".") {
			lines[at] = "." + line
		}
	}
	return lines
}

func pop3(c *client) {
	c.say("+OK " + domain)
	claimed := ""
	var s *session
	for {
		line, err := c.line()
		if err != nil {
			return
		}
		verb, word, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		if verb == "QUIT" {
			if s != nil {
				for number := range s.deleted {
					os.Remove(s.paths[number-1])
				}
			}
			c.say("+OK bye")
			return
		}
		if s == nil {
			password, known := passwords[claimed]
			if verb == "USER" {
				claimed = word
				c.say("+OK")
			} else if verb == "PASS" && known && password == word {
				s = &session{claimed, mails(claimed), map[int]bool{}}
				c.say("+OK")
			} else {
				c.say("-ERR log in")
			}
			continue
		}
		c.say(s.answer(verb, word)...)
	}
}

func (s *session) answer(verb, word string) []string {
	switch verb {
	case "NOOP":
		return []string{"+OK"}
	case "RSET":
		s.deleted = map[int]bool{}
		return []string{"+OK"}
	case "STAT":
		var size int64
		for _, number := range s.numbers() {
			size += s.size(number)
		}
		return []string{fmt.Sprintf("+OK %d %d", len(s.numbers()), size)}
	}
	if verb == "LIST" && word == "" {
		lines := []string{"+OK"}
		for _, number := range s.numbers() {
			lines = append(lines, fmt.Sprintf("%d %d", number, s.size(number)))
		}
		return append(lines, ".")
	}
	number, ok := s.has(word)
	switch {
	case verb != "LIST" && verb != "RETR" && verb != "DELE":
		return []string{"-ERR unknown command"}
	case !ok:
		return []string{"-ERR no such mail"}
	case verb == "LIST":
		return []string{fmt.Sprintf("+OK %d %d", number, s.size(number))}
	case verb == "DELE":
		s.deleted[number] = true
		return []string{"+OK"}
	}
	content, err := os.ReadFile(s.paths[number-1])
	if err != nil {
		return []string{"-ERR " + err.Error()}
	}
	return append([]string{"+OK"}, stuffed(content)...)
}

func accept(listener net.Listener, serve func(*client)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			continue
		}
		go func() {
			defer conn.Close()
			serve(&client{conn, bufio.NewReader(conn)})
		}()
	}
}

func listen(word string) net.Listener {
	port, err := strconv.Atoi(word)
	if err != nil || port < 1 || port > 65535 {
		fail("usage: mailbox SMTP_PORT POP3_PORT USERS")
	}
	listener, err := net.Listen("tcp", ":"+word)
	if err != nil {
		fail(err.Error())
	}
	return listener
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: mailbox SMTP_PORT POP3_PORT USERS")
	}
	users, err := os.ReadFile(os.Args[3])
	if err != nil {
		fail(err.Error())
	}
	for _, line := range strings.Split(string(users), "\n") {
		if user, password, ok := strings.Cut(line, " "); ok {
			passwords[user] = password
			if err := os.MkdirAll(filepath.Join("mail", user), 0o700); err != nil {
				fail(err.Error())
			}
		}
	}
	incoming, outgoing := listen(os.Args[1]), listen(os.Args[2])
	go accept(incoming, smtp)
	accept(outgoing, pop3)
}
