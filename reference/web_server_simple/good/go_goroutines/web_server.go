// A goroutine for each client; the request is read with a scanner, line by line.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var types = map[string]string{
	".html": "text/html",
	".txt":  "text/plain",
	".css":  "text/css",
	".png":  "image/png",
	".jpg":  "image/jpeg",
}

type request struct {
	method, target string
	right          bool
}

// read gives false if the client leaves before its empty line.
func read(client net.Conn) (request, bool) {
	lines := bufio.NewScanner(client)
	var asked request
	for number := 0; lines.Scan(); number++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if number == 0 {
			words := strings.Split(line, " ")
			if asked.right = len(words) == 3; asked.right {
				asked.method, asked.target = words[0], words[1]
			}
			continue
		}
		if line == "" {
			return asked, true
		}
		asked.right = asked.right && strings.Contains(line, ":")
	}
	return asked, false
}

// find opens the file that a target names, if there is one below the root.
func find(root, target string) (*os.File, int64, error) {
	path, _, _ := strings.Cut(target, "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, 0, err
	}
	full, err := filepath.EvalSymlinks(filepath.Join(root, "/", filepath.FromSlash(path)))
	if err != nil {
		return nil, 0, err
	}
	if full != root && !strings.HasPrefix(full, root+"/") {
		return nil, 0, os.ErrNotExist
	}
	facts, err := os.Stat(full)
	if err == nil && facts.IsDir() {
		full = filepath.Join(full, "index.html")
		facts, err = os.Stat(full)
	}
	if err != nil || !facts.Mode().IsRegular() {
		return nil, 0, os.ErrNotExist
	}
	file, err := os.Open(full)
	return file, facts.Size(), err
}

func refuse(client net.Conn, status string, headers string, body bool) {
	fmt.Fprintf(client, "HTTP/1.0 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n", status, len(status), headers)
	if body {
		io.WriteString(client, status)
	}
}

func serve(client net.Conn, root string) {
	defer client.Close()
	asked, complete := read(client)
	if !complete {
		return
	}
	if !asked.right {
		refuse(client, "400 Bad Request", "", true)
		return
	}
	if asked.method != "GET" && asked.method != "HEAD" {
		refuse(client, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", true)
		return
	}
	file, size, err := find(root, asked.target)
	if err != nil {
		refuse(client, "404 Not Found", "", asked.method == "GET")
		return
	}
	defer file.Close()
	kind, known := types[filepath.Ext(file.Name())]
	if !known {
		kind = "application/octet-stream"
	}
	fmt.Fprintf(client, "HTTP/1.0 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, size)
	if asked.method == "GET" {
		io.Copy(client, file)
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: web_server PORT ROOT")
		os.Exit(1)
	}
	port, err := strconv.Atoi(os.Args[1])
	root, failed := filepath.EvalSymlinks(os.Args[2])
	if err != nil || failed != nil || port < 1 || port > 65535 {
		fmt.Fprintln(os.Stderr, "usage: web_server PORT ROOT")
		os.Exit(1)
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		os.Exit(0)
	}()
	for {
		if client, err := listener.Accept(); err == nil {
			go serve(client, root)
		}
	}
}
