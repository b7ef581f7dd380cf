// FTP server for one folder, a goroutine for each session.
//
// Usage: ./server PORT FOLDER
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	user     = "student"
	password = "sesame"
	maxLine  = 4096             // bytes of a command
	wait     = 10 * time.Second // for the client to connect to the port that it was told
)

type session struct {
	control  net.Conn
	folder   string
	user     string
	loggedIn bool
	listener *net.TCPListener // where the next data connection comes from ...
	place    *net.TCPAddr     // ... or goes to
}

func (s *session) reply(code int, text string) {
	fmt.Fprintf(s.control, "%d %s\r\n", code, text) // that the client is gone shows at the next command
}

func (s *session) closeListener() {
	s.place = nil
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
}

// passive listens for the next data connection, at a port that the system chooses.
func (s *session) passive() {
	s.closeListener()
	host := s.control.LocalAddr().(*net.TCPAddr).IP.To4()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: host})
	if err != nil {
		s.reply(425, "no port")
		return
	}
	s.listener = listener
	port := listener.Addr().(*net.TCPAddr).Port
	s.reply(227, fmt.Sprintf("waiting at (%d,%d,%d,%d,%d,%d)", host[0], host[1], host[2], host[3], port/256, port%256))
}

// active remembers where the client waits, if that is where it is.
func (s *session) active(argument string) {
	var n [6]byte
	count, err := fmt.Sscanf(argument, "%d,%d,%d,%d,%d,%d", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5])
	place := &net.TCPAddr{IP: net.IPv4(n[0], n[1], n[2], n[3]), Port: int(n[4])*256 + int(n[5])}
	if count != 6 || err != nil || !place.IP.Equal(s.control.RemoteAddr().(*net.TCPAddr).IP) {
		s.reply(501, "that is not where you are")
		return
	}
	s.closeListener()
	s.place = place
	s.reply(200, "I will connect there")
}

func (s *session) dataConnection() (net.Conn, error) {
	if s.place != nil {
		return net.DialTimeout("tcp4", s.place.String(), wait)
	}
	s.listener.SetDeadline(time.Now().Add(wait))
	return s.listener.Accept()
}

// transfer opens the data connection, and plays the transfer on it.
func (s *session) transfer(play func(data net.Conn) error) {
	if s.listener == nil && s.place == nil {
		s.reply(425, "PASV or PORT comes first")
		return
	}
	s.reply(150, "here it comes")
	data, err := s.dataConnection()
	s.closeListener()
	if err == nil {
		err = play(data)
		data.Close()
	}
	if err != nil {
		s.reply(426, "broken off")
		return
	}
	s.reply(226, "done")
}

// path says where a file of that name is; "": it would be somewhere else.
func (s *session) path(name string) string {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return ""
	}
	return filepath.Join(s.folder, name)
}

func (s *session) list() {
	s.transfer(func(data net.Conn) error {
		entries, err := os.ReadDir(s.folder)
		for _, entry := range entries {
			about, problem := entry.Info()
			if problem != nil || !about.Mode().IsRegular() {
				continue
			}
			if _, err := fmt.Fprintf(data, "-rw-r--r-- 1 ftp ftp %10d Jan  1 00:00 %s\r\n", about.Size(), entry.Name()); err != nil {
				return err
			}
		}
		return err
	})
}

func (s *session) retrieve(name string) {
	path := s.path(name)
	about, err := os.Lstat(path)
	if path == "" || err != nil || !about.Mode().IsRegular() {
		s.reply(550, "no such file")
		return
	}
	file, err := os.Open(path)
	if err != nil {
		s.reply(550, "no such file")
		return
	}
	defer file.Close()
	s.transfer(func(data net.Conn) error {
		_, err := io.Copy(data, file)
		return err
	})
}

func (s *session) store(name string) {
	path := s.path(name)
	if path == "" {
		s.reply(553, "that is no name for a file")
		return
	}
	s.transfer(func(data net.Conn) error { return receive(data, path) })
}

// receive writes to another name first: a transfer that breaks off must not leave half a file.
func receive(data io.Reader, path string) error {
	file, err := os.CreateTemp(filepath.Dir(filepath.Dir(path)), ".upload-")
	if err != nil {
		return err
	}
	_, err = io.Copy(file, data)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

// obey does what a command says; false when the client wants to leave.
func (s *session) obey(verb, argument string) bool {
	switch {
	case verb == "QUIT":
		s.reply(221, "bye")
		return false
	case verb == "NOOP":
		s.reply(200, "ok")
	case verb == "USER":
		s.user, s.loggedIn = argument, false
		s.reply(331, "and the password?")
	case verb == "PASS":
		s.loggedIn = s.user == user && argument == password
		if s.loggedIn {
			s.reply(230, "welcome")
		} else {
			s.reply(530, "wrong user or password")
		}
	case !s.loggedIn:
		s.reply(530, "log in first")
	case verb == "TYPE":
		s.reply(200, "bytes as they are")
	case verb == "PWD":
		s.reply(257, `"/"`)
	case verb == "PASV":
		s.passive()
	case verb == "PORT":
		s.active(argument)
	case verb == "LIST":
		s.list()
	case verb == "RETR":
		s.retrieve(argument)
	case verb == "STOR":
		s.store(argument)
	default:
		s.reply(502, "no such command")
	}
	return true
}

func (s *session) serve() {
	defer s.control.Close()
	defer s.closeListener()
	s.reply(220, "ready")
	commands := bufio.NewReaderSize(s.control, maxLine)
	for {
		line, err := commands.ReadSlice('\n')
		if err != nil {
			return // the end, or a command that is too long
		}
		verb, argument, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
		if !s.obey(strings.ToUpper(verb), argument) {
			return
		}
	}
}

func run(port, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort("", port)) // sets SO_REUSEADDR
	if err != nil {
		return err
	}
	for {
		control, err := listener.Accept()
		if err != nil {
			return err
		}
		go (&session{control: control, folder: folder}).serve()
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: server PORT FOLDER")
		os.Exit(2)
	}
	if port, err := strconv.Atoi(os.Args[1]); err != nil || port < 1 || port > 65535 {
		fmt.Fprintln(os.Stderr, "usage: server PORT FOLDER   (a port is from 1 to 65535)")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}
