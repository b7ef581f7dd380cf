// Receives files over UDP into memory, and writes each when it is complete.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

const (
	start = iota + 1
	data
	end
	ack
)

const header = 12

var isName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)

type key struct {
	sender   string
	transfer uint32
}

// How far ahead of its turn a frame is kept.
const ahead = 64

type piece struct {
	kind    uint16
	payload []byte
}

type transfer struct {
	path     string
	content  bytes.Buffer
	next     uint32
	early    map[uint32]piece
	complete bool
}

func checksum(frame []byte) uint16 {
	var sum uint32
	for at := 0; at+1 < len(frame); at += 2 {
		sum += uint32(binary.BigEndian.Uint16(frame[at:]))
	}
	if len(frame)%2 == 1 {
		sum += uint32(frame[len(frame)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// take gives the number up to which everything has come.
func (t *transfer) take(number uint32, kind uint16, payload []byte) uint32 {
	if number >= t.next && number <= t.next+ahead && !t.complete {
		t.early[number] = piece{kind, append([]byte(nil), payload...)}
	}
	for !t.complete {
		due, here := t.early[t.next]
		if !here {
			break
		}
		delete(t.early, t.next)
		if due.kind == data {
			t.content.Write(due.payload)
		} else if !t.store() {
			break
		}
		t.next++
	}
	return t.next - 1
}

// store says whether the file is in its place.
func (t *transfer) store() bool {
	part := t.path + ".part"
	if os.WriteFile(part, t.content.Bytes(), 0o666) != nil || os.Rename(part, t.path) != nil {
		return false
	}
	t.complete, t.content, t.early = true, bytes.Buffer{}, nil
	return true
}

type receiver struct {
	folder    string
	transfers map[key]*transfer
}

// answer gives the ACK, or nil.
func (r *receiver) answer(frame []byte, sender string) []byte {
	if len(frame) < header || checksum(frame) != 0 {
		return nil
	}
	id, number := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
	kind, payload := binary.BigEndian.Uint16(frame[8:]), frame[header:]
	known := r.transfers[key{sender, id}]
	if known == nil && kind == start && number == 0 && isName.Match(payload) {
		known = &transfer{path: filepath.Join(r.folder, string(payload)), next: 1, early: map[uint32]piece{}}
		r.transfers[key{sender, id}] = known
	}
	if known == nil || kind < start || kind > end {
		return nil
	}
	reply := make([]byte, header)
	copy(reply, frame[:4])
	binary.BigEndian.PutUint32(reply[4:], known.take(number, kind, payload))
	binary.BigEndian.PutUint16(reply[8:], ack)
	binary.BigEndian.PutUint16(reply[10:], checksum(reply))
	return reply
}

func fail(why ...any) {
	fmt.Fprintln(os.Stderr, why...)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: server PORT FOLDER")
	}
	port, err := strconv.Atoi(os.Args[1])
	if err != nil || port < 1 || port > 65535 {
		fail("there is no port", os.Args[1])
	}
	server, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
	if err != nil {
		fail(err)
	}
	if err := os.MkdirAll(os.Args[2], 0o777); err != nil {
		fail(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(0)
	}()
	r := receiver{os.Args[2], map[key]*transfer{}}
	frame := make([]byte, 65536)
	for {
		size, sender, err := server.ReadFromUDP(frame)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		if reply := r.answer(frame[:size], sender.String()); reply != nil {
			if _, err := server.WriteToUDP(reply, sender); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}
