#include <cstdio>
#include <iostream>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

static const size_t DRAINED = 256 * 1024;

static bool send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        size -= static_cast<size_t>(n);
    }
    return true;
}

/* Where the line "close" ends in what has come, or 0; `line` keeps the beginning of the last line. */
static size_t end_of_close(const char *data, size_t size, std::string &line) {
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            if (line.size() < 8)
                line += data[i];
            continue;
        }
        bool closes = line == "close" || line == "close\r";
        line.clear();
        if (closes)
            return i + 1;
    }
    return 0;
}

static void serve(int fd) {
    char buffer[8192];
    std::string line;
    ssize_t n;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
        size_t end = end_of_close(buffer, static_cast<size_t>(n), line);
        if (!send_all(fd, buffer, end ? end : static_cast<size_t>(n)))
            break;
        if (end) {
            shutdown(fd, SHUT_WR);
            size_t dropped = static_cast<size_t>(n) - end;
            while (dropped < DRAINED && (n = recv(fd, buffer, sizeof buffer, 0)) > 0)
                dropped += static_cast<size_t>(n);
            break;
        }
    }
    close(fd);
}

int main(int argc, char **argv) {
    int port = 0;
    try {
        port = argc == 2 ? std::stoi(argv[1]) : 0;
    } catch (const std::exception &) {
        // told below
    }
    if (port < 1 || port > 65535) {
        std::cerr << "usage: server PORT\n";
        return 2;
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) < 0 || listen(listener, 128) < 0) {
        perror("server");
        return 1;
    }
    for (;;) {
        int fd = accept(listener, nullptr, nullptr);
        if (fd >= 0)
            std::thread(serve, fd).detach();
    }
}
