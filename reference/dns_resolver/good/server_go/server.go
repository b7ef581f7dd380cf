// DNS server for one zone: a goroutine for UDP, and one for each TCP connection.
//
// Usage: ./server PORT ZONEFILE
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

const (
	udpBytes = 512
	header   = 12

	isAnswer      = 1 << 15
	authoritative = 1 << 10
	truncated     = 1 << 9
	kept          = 0x7900 // OPCODE and RD
	opcode        = 0x7800

	formErr  = 1
	nxDomain = 3
	notImp   = 4
	refused  = 5
)

var types = map[string]uint16{"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28}

type record struct {
	kind   uint16
	target string // of a CNAME
	bytes  []byte // the whole record
}

type zone struct {
	origin string
	names  map[string][]record
}

func packName(name string) []byte {
	var packed []byte
	for _, label := range strings.Split(strings.TrimSuffix(name, "."), ".") {
		packed = append(append(packed, byte(len(label))), label...)
	}
	return append(packed, 0)
}

func packData(kind string, words []string) ([]byte, error) {
	switch kind {
	case "A", "AAAA":
		address, err := netip.ParseAddr(words[0])
		return address.AsSlice(), err
	case "MX":
		preference, err := strconv.ParseUint(words[0], 10, 16)
		return append(binary.BigEndian.AppendUint16(nil, uint16(preference)), packName(words[1])...), err
	}
	return packName(words[0]), nil
}

func (z *zone) add(words []string) error {
	ttl, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		return err
	}
	data, err := packData(words[3], words[4:])
	if err != nil {
		return err
	}
	packed := packName(words[0])
	packed = binary.BigEndian.AppendUint16(packed, types[words[3]])
	packed = binary.BigEndian.AppendUint16(packed, 1)
	packed = binary.BigEndian.AppendUint32(packed, uint32(ttl))
	packed = binary.BigEndian.AppendUint16(packed, uint16(len(data)))
	z.names[words[0]] = append(z.names[words[0]], record{types[words[3]], words[4], append(packed, data...)})
	return nil
}

func readZone(path string) (*zone, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z := &zone{names: map[string][]record{}}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], ";"):
		case words[0] == "$ORIGIN":
			z.origin = words[1]
		default:
			if err := z.add(words); err != nil {
				return nil, err
			}
		}
	}
	return z, nil
}

func (z *zone) lookUp(name string, kind uint16) (found [][]byte) {
	for again := true; again; {
		again = false
		for _, r := range z.names[name] {
			switch {
			case r.kind == kind:
				found = append(found, r.bytes)
			case r.kind == types["CNAME"]:
				found = append(found, r.bytes)
				name, again = r.target, true
			}
		}
	}
	return found
}

// question reads the name and the type that are asked for; end is behind them.
func question(query []byte) (name string, kind uint16, end int, ok bool) {
	if binary.BigEndian.Uint16(query[4:]) != 1 {
		return
	}
	at := header
	for at < len(query) && query[at] != 0 {
		next := at + 1 + int(query[at])
		if query[at] > 63 || next >= len(query) {
			return
		}
		name += strings.ToLower(string(query[at+1:next])) + "."
		at = next
	}
	if at+5 > len(query) {
		return
	}
	return name, binary.BigEndian.Uint16(query[at+1:]), at + 5, true
}

func message(query []byte, flags int, question []byte, records [][]byte) []byte {
	made := append([]byte{}, query[:2]...)
	questions := 0
	if len(question) > 0 {
		questions = 1
	}
	for _, number := range []int{flags, questions, len(records), 0, 0} {
		made = binary.BigEndian.AppendUint16(made, uint16(number))
	}
	made = append(made, question...)
	for _, packed := range records {
		made = append(made, packed...)
	}
	return made
}

// answer gives nil if there is to be none.
func (z *zone) answer(query []byte, most int) []byte {
	if len(query) < header || query[2]&0x80 != 0 {
		return nil
	}
	asked := int(binary.BigEndian.Uint16(query[2:]))
	flags := isAnswer | asked&kept
	if asked&opcode != 0 {
		return message(query, flags|notImp, nil, nil)
	}
	name, kind, end, ok := question(query)
	if !ok {
		return message(query, flags|formErr, nil, nil)
	}
	if name != z.origin && !strings.HasSuffix(name, "."+z.origin) {
		return message(query, flags|refused, query[header:end], nil)
	}
	flags |= authoritative
	if len(z.names[name]) == 0 {
		return message(query, flags|nxDomain, query[header:end], nil)
	}
	records := z.lookUp(name, kind)
	whole := message(query, flags, query[header:end], records)
	for len(whole) > most {
		records = records[:len(records)-1]
		whole = message(query, flags|truncated, query[header:end], records)
	}
	return whole
}

func (z *zone) serveUDP(server *net.UDPConn) {
	buffer := make([]byte, 65536)
	for {
		size, client, err := server.ReadFromUDP(buffer)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		if reply := z.answer(buffer[:size], udpBytes); reply != nil {
			server.WriteToUDP(reply, client) // one that is gone gets none
		}
	}
}

func (z *zone) serveTCP(client net.Conn) {
	defer client.Close()
	stream := bufio.NewReader(client)
	for {
		var length uint16
		if binary.Read(stream, binary.BigEndian, &length) != nil {
			return
		}
		query := make([]byte, length)
		if _, err := io.ReadFull(stream, query); err != nil {
			return
		}
		if reply := z.answer(query, 65535); reply != nil {
			framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
			if _, err := client.Write(framed); err != nil {
				return
			}
		}
	}
}

func fail(problem any) {
	fmt.Fprintln(os.Stderr, "server:", problem)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: server PORT ZONEFILE")
	}
	port, err := strconv.ParseUint(os.Args[1], 10, 16)
	if err != nil || port == 0 {
		fail("usage: server PORT ZONEFILE")
	}
	z, err := readZone(os.Args[2])
	if err != nil {
		fail(err)
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: int(port)})
	if err != nil {
		fail(err)
	}
	server, err := net.ListenUDP("udp4", &net.UDPAddr{Port: int(port)})
	if err != nil {
		fail(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go z.serveUDP(server)
	go func() {
		for {
			if client, err := listener.Accept(); err == nil {
				go z.serveTCP(client)
			}
		}
	}()
	<-stop
}
