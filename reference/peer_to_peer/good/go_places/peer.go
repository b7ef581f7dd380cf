// A peer that keeps one connection to each place, with a goroutine that fetches one chunk after another over it.
//
// Usage: peer PORT FOLDER [TRACKER_HOST TRACKER_PORT]
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	chunkBytes = 16384
	maxHead    = 100
	maxLine    = 1 << 20
	patience   = 5 * time.Second
)

var (
	fileName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)
	errOther = errors.New("it sent something else")
)

// place is where another peer listens; its queue has the chunks that are to be fetched there.
type place struct {
	address string
	queue   []string
	working bool
}

// peer is everything that we know; all of it is guarded by the mutex.
type peer struct {
	sync.Mutex
	folder  string
	chunks  map[string][]byte
	files   map[string][]string // of those that are not complete: their chunks
	places  map[string]*place
	where   map[string][]*place // a chunk's places that were not tried
	asked   map[string]bool
	tracker net.Conn
}

func nameOf(chunk []byte) string {
	sum := sha256.Sum256(chunk)
	return hex.EncodeToString(sum[:])
}

func (p *peer) readFolder() error {
	entries, err := os.ReadDir(p.folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(p.folder, entry.Name()))
		if err != nil {
			return err
		}
		for len(content) > 0 {
			size := chunkBytes
			if size > len(content) {
				size = len(content)
			}
			p.chunks[nameOf(content[:size])] = content[:size]
			content = content[size:]
		}
	}
	return nil
}

// serve answers another peer until it leaves.
func (p *peer) serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		verb, name, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		p.Lock()
		chunk, here := p.chunks[name]
		p.Unlock()
		answer := []byte("NONE\n")
		if verb == "GET" && here {
			answer = append([]byte(fmt.Sprintf("CHUNK %d\n", len(chunk))), chunk...)
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// tell says something to the tracker, if there is one; the caller holds the mutex.
func (p *peer) tell(format string, words ...any) {
	if p.tracker != nil {
		fmt.Fprintf(p.tracker, format+"\n", words...) // if it is gone, follow notices
	}
}

// follow does what the tracker says until it leaves.
func (p *peer) follow(port int) {
	p.Lock()
	p.tell("HELLO %d", port)
	for name := range p.chunks {
		p.tell("HAVE %s", name)
	}
	p.Unlock()
	lines := bufio.NewScanner(p.tracker)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		p.Lock()
		switch {
		case len(words) >= 3 && words[0] == "FILE" && fileName.MatchString(words[1]):
			p.files[words[1]] = words[3:]
			for _, name := range words[3:] {
				p.fetchSoon(name)
			}
			p.finishFiles()
		case len(words) == 4 && words[0] == "AT":
			address := net.JoinHostPort(words[1], words[2])
			if p.places[address] == nil {
				p.places[address] = &place{address: address}
			}
			p.where[words[3]] = append(p.where[words[3]], p.places[address])
			p.fetchSoon(words[3])
		}
		p.Unlock()
	}
}

func (p *peer) isWanted(name string) bool {
	for _, names := range p.files {
		for _, each := range names {
			if each == name {
				return true
			}
		}
	}
	return false
}

// fetchSoon puts a chunk into a place's queue, if it is wanted and there is such a place; the caller holds the mutex.
func (p *peer) fetchSoon(name string) {
	if _, here := p.chunks[name]; here || p.asked[name] || len(p.where[name]) == 0 || !p.isWanted(name) {
		return
	}
	next := p.where[name][0]
	p.where[name] = p.where[name][1:]
	p.asked[name] = true
	next.queue = append(next.queue, name)
	if !next.working {
		next.working = true
		go p.work(next)
	}
}

// work fetches everything that is in a place's queue.
func (p *peer) work(at *place) {
	var conn net.Conn
	var replies *bufio.Reader
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for {
		p.Lock()
		if len(at.queue) == 0 {
			at.working = false
			p.Unlock()
			return
		}
		name := at.queue[0]
		at.queue = at.queue[1:]
		p.Unlock()
		var err error
		if conn == nil {
			if conn, err = net.DialTimeout("tcp", at.address, patience); err == nil {
				replies = bufio.NewReaderSize(conn, 2*chunkBytes)
			}
		}
		var chunk []byte
		if err == nil {
			chunk, err = ask(conn, replies, name)
		}
		if err != nil && conn != nil {
			conn.Close()
			conn = nil
		}
		p.Lock()
		delete(p.asked, name)
		if chunk != nil && nameOf(chunk) == name {
			p.chunks[name] = chunk
			p.tell("HAVE %s", name)
			p.finishFiles()
		} else {
			p.fetchSoon(name)
		}
		p.Unlock()
	}
}

// ask asks for one chunk; nil without an error: it is not there.
func ask(conn net.Conn, replies *bufio.Reader, name string) ([]byte, error) {
	if _, err := fmt.Fprintf(conn, "GET %s\n", name); err != nil {
		return nil, err
	}
	var head []byte
	for !bytes.HasSuffix(head, []byte("\n")) {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
		next, err := replies.ReadByte()
		if err != nil {
			return nil, err
		}
		if head = append(head, next); len(head) > maxHead {
			return nil, errOther
		}
	}
	if string(head) == "NONE\n" {
		return nil, nil
	}
	size, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(string(head), "CHUNK "), "\n"))
	if err != nil || size < 1 || size > chunkBytes || !bytes.HasPrefix(head, []byte("CHUNK ")) {
		return nil, errOther
	}
	chunk := make([]byte, size)
	for got := 0; got < size; {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return nil, err
		}
		count, err := replies.Read(chunk[got:])
		if got += count; err != nil && !(err == io.EOF && got == size) {
			return nil, err
		}
	}
	return chunk, nil
}

// finishFiles writes the files whose last chunk has come; the caller holds the mutex.
func (p *peer) finishFiles() {
	for file, names := range p.files {
		var content []byte
		complete := true
		for _, name := range names {
			chunk, here := p.chunks[name]
			complete = complete && here
			content = append(content, chunk...)
		}
		if !complete {
			continue
		}
		delete(p.files, file)
		if err := os.WriteFile(filepath.Join(p.folder, file), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			continue
		}
		p.tell("DONE %s", file)
	}
}

func portIn(word string) int {
	port, err := strconv.Atoi(word)
	if err != nil || port < 1 || port > 65535 {
		return 0
	}
	return port
}

func run(words []string) error {
	port := portIn(words[0])
	if err := os.MkdirAll(words[1], 0o755); err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf(":%d", port)) // Go sets SO_REUSEADDR
	if err != nil {
		return err
	}
	p := &peer{
		folder: words[1],
		chunks: map[string][]byte{},
		files:  map[string][]string{},
		places: map[string]*place{},
		where:  map[string][]*place{},
		asked:  map[string]bool{},
	}
	if err := p.readFolder(); err != nil {
		return err
	}
	if len(words) == 4 {
		if p.tracker, err = net.Dial("tcp", net.JoinHostPort(words[2], words[3])); err == nil {
			go p.follow(port)
		} else {
			p.tracker = nil
			fmt.Fprintln(os.Stderr, "peer: no tracker:", err)
		}
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go p.serve(conn)
	}
}

func main() {
	words := os.Args[1:]
	if (len(words) != 2 && len(words) != 4) || portIn(words[0]) == 0 || (len(words) == 4 && portIn(words[3]) == 0) {
		fmt.Fprintln(os.Stderr, "usage: peer PORT FOLDER [TRACKER_HOST TRACKER_PORT]")
		os.Exit(2)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() {
		<-stop
		os.Exit(0)
	}()
	if err := run(words); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
