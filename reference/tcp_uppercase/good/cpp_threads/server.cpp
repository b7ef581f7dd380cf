#include <csignal>
#include <cstdio>
#include <iostream>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

static bool send_all(int fd, const std::string &data) {
    size_t sent = 0;
    while (sent < data.size()) {
        ssize_t n = send(fd, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += static_cast<size_t>(n);
    }
    return true;
}

static void serve(int fd) {
    std::string line;
    char buffer[4096];
    ssize_t n;
    bool good = true;
    while (good && (n = recv(fd, buffer, sizeof buffer, 0)) > 0) {
        for (ssize_t i = 0; good && i < n; i++) {
            char c = buffer[i];
            line += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
            if (c == '\n') {
                good = send_all(fd, line);
                line.clear();
            }
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
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) < 0 || listen(listener, 64) < 0) {
        perror("server");
        return 1;
    }
    for (;;) {
        int fd = accept(listener, nullptr, nullptr);
        if (fd >= 0)
            std::thread(serve, fd).detach();
    }
}
